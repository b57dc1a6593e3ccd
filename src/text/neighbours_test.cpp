#include "text/neighbours.h"

#include <gtest/gtest.h>

#include <string>

namespace sparrow {
namespace {

bool may_join(const Neighbours& neighbours, const std::string& left, const std::string& right) {
  const std::string text = left + right;
  return neighbours.may_join(text.data() + left.size(), static_cast<uint32_t>(left.size()),
                             static_cast<uint32_t>(right.size()));
}

TEST(Neighbours, are_the_characters_side_by_side_in_a_piece) {
  Neighbours neighbours;
  EXPECT_FALSE(may_join(neighbours, "你", "好"));
  neighbours.add_piece("你好吗");
  neighbours.add_piece(" a");
  EXPECT_TRUE(may_join(neighbours, "你", "好"));
  EXPECT_TRUE(may_join(neighbours, "好", "吗"));
  EXPECT_TRUE(may_join(neighbours, " ", "a"));
  EXPECT_FALSE(may_join(neighbours, "好", "你"));
  EXPECT_FALSE(may_join(neighbours, "你", "吗"));
  EXPECT_FALSE(may_join(neighbours, "a", " "));
}

TEST(Neighbours, a_piece_that_ends_inside_of_a_character_may_join_all_that_begin_so) {
  Neighbours neighbours;
  neighbours.add_piece("好\xE5");
  EXPECT_TRUE(may_join(neighbours, "好", "吗"));   // E5 90 97
  EXPECT_FALSE(may_join(neighbours, "好", "的"));  // E7 9A 84
  EXPECT_FALSE(may_join(neighbours, "你", "吗"));
  neighbours.add_piece(" \xF0\x9F");
  EXPECT_TRUE(may_join(neighbours, " ", "😀"));
}

TEST(Neighbours, a_piece_that_begins_inside_of_a_character_may_join_all_that_end_so) {
  Neighbours neighbours;
  neighbours.add_piece("\xA5\xBD吗");
  EXPECT_TRUE(may_join(neighbours, "好", "吗"));  // E5 A5 BD
  EXPECT_FALSE(may_join(neighbours, "你", "吗"));
  neighbours.add_piece("\xBD\xE7");
  EXPECT_TRUE(may_join(neighbours, "好", "的"));
}

TEST(Neighbours, pieces_of_any_bytes_are_taken) {
  Neighbours neighbours;
  for (const char* piece : {"", "\x80", "\x80\x80\x80\x80\x80\x80", "\xFF\xFF", "\xF0", "a\xF0",
                            "\x80\x80\x80\x80\x80"
                            "a"}) {
    neighbours.add_piece(piece);
  }
  EXPECT_FALSE(may_join(neighbours, "你", "好"));
}

}  // namespace
}  // namespace sparrow
