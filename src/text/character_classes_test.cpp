#include "text/character_classes.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/support/crc32.h"

namespace sparrow {
namespace {

TEST(CharacterClasses, of_every_code_point_are_the_references) {
  std::string values;
  for (char32_t c = 0; c < 0x110000; ++c) values += static_cast<char>(character_class(c));
  // The sum that scripts/make_unicode_tables.py prints.
  EXPECT_EQ(test::crc32(values), 0x824f1071u);
}

TEST(CharacterClasses, the_engines_and_the_digit_splitter_know_different_unicodes) {
  EXPECT_EQ(character_class(U'a'), kLetter | kWord);
  EXPECT_EQ(character_class(U'7'), kNumber | kDigit | kWord);
  EXPECT_EQ(character_class(U'²'), kNumber | kDigit);
  EXPECT_EQ(character_class(U'\u3000'), kSpace);
  EXPECT_EQ(character_class(U'\U00010D4A'), kLetter | kWord);  // Unicode 16
  EXPECT_EQ(character_class(U'\U00011DE0'), kDigit);           // Unicode 17
}

}  // namespace
}  // namespace sparrow
