#include "text/prompt_text.h"

#include <gtest/gtest.h>

namespace sparrow {
namespace {

PromptText join(std::vector<Segment> segments) { return PromptText(segments); }

TEST(PromptText, knows_who_wrote_what) {
  const PromptText text =
      join({{"ab", true}, {"cd", false}, {"", true}, {"ef", false}, {"gh", true}});
  EXPECT_EQ(text.text(), "abcdefgh");
  EXPECT_TRUE(text.is_from_template(0, 2));
  EXPECT_FALSE(text.is_from_template(0, 3));
  EXPECT_FALSE(text.is_from_template(2, 6));
  EXPECT_FALSE(text.is_from_template(5, 7));
  EXPECT_TRUE(text.is_from_template(6, 8));
}

TEST(PromptText, two_segments_of_the_template_are_one) {
  const PromptText text = join({{"<|im_", true}, {"end|>", true}});
  EXPECT_TRUE(text.is_from_template(0, 10));
}

TEST(PromptText, a_character_cut_by_a_border_is_whole_and_the_users) {
  const PromptText text = join({{"a\xE4\xBD", true},
                                {"\xA0"
                                 "b",
                                 false}});
  EXPECT_EQ(text.text(), "a你b");
  EXPECT_TRUE(text.is_from_template(0, 1));
  EXPECT_FALSE(text.is_from_template(1, 4));
}

TEST(PromptText, repaired_bytes_move_the_borders) {
  const PromptText text = join({{"\xFF<x>", true}, {"\xFF", false}, {"<y>\xFF", true}});
  EXPECT_EQ(text.text(), "\uFFFD<x>\uFFFD<y>\uFFFD");
  EXPECT_TRUE(text.is_from_template(3, 6));
  EXPECT_FALSE(text.is_from_template(3, 7));
  EXPECT_TRUE(text.is_from_template(9, 12));
  EXPECT_FALSE(text.is_from_template(9, 15));
}

TEST(PromptText, nothing_is_empty) {
  EXPECT_EQ(join({}).text(), "");
  EXPECT_EQ(join({{"", true}, {"", false}}).text(), "");
  EXPECT_FALSE(join({}).is_from_template(0, 0));
}

}  // namespace
}  // namespace sparrow
