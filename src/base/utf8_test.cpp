#include "base/utf8.h"

#include <gtest/gtest.h>

namespace sparrow {
namespace {

const std::string kBad = "\xEF\xBF\xBD";

struct RepairCase {
  std::string bytes;
  std::string repaired;
};

TEST(Utf8, repairs_as_python_replaces) {
  // Each row is bytes.decode('utf-8', 'replace') of Python 3.11.
  const RepairCase cases[] = {
      {"plain", "plain"},
      {"\x80", kBad},
      {"\xC0\xAF", kBad + kBad},
      {"\xC3", kBad},
      {"\xC3(", kBad + "("},
      {"\xE4\xBD", kBad},
      {"\xE4\xBDz", kBad + "z"},
      {"\xE4\xBD\xA0", "\xE4\xBD\xA0"},
      {"\xE0\x80\x80", kBad + kBad + kBad},
      {"\xED\xA0\x80", kBad + kBad + kBad},  // a surrogate
      {"\xED\x9F\xBF", "\xED\x9F\xBF"},
      {"\xF0\x9F\x98", kBad},
      {"\xF0\x9F\x98\x80", "\xF0\x9F\x98\x80"},
      {"\xF0\x8F\xBF\xBF", kBad + kBad + kBad + kBad},
      {"\xF4\x8F\xBF\xBF", "\xF4\x8F\xBF\xBF"},
      {"\xF4\x90\x80\x80", kBad + kBad + kBad + kBad},
      {"\xF1\x80\x80\xE1\x80\xC2", kBad + kBad + kBad},
      {"\xFF\xFE", kBad + kBad},
      {std::string("a\0b", 3), std::string("a\0b", 3)},
  };
  for (const RepairCase& row : cases) {
    EXPECT_EQ(repair_utf8(row.bytes), row.repaired);
    EXPECT_EQ(repair_utf8("12345678" + row.bytes + "12345678"),
              "12345678" + row.repaired + "12345678");
    EXPECT_EQ(is_valid_utf8(row.bytes), row.bytes == row.repaired);
  }
}

TEST(Utf8, every_scalar_value_is_read_back_as_it_was_written) {
  for (char32_t c = 0; c < 0x110000; ++c) {
    if (c >= 0xD800 && c < 0xE000) continue;
    std::string text;
    append_utf8(c, text);
    ASSERT_TRUE(is_valid_utf8(text)) << static_cast<uint32_t>(c);
    const Utf8Character character = decode_utf8(text, 0);
    ASSERT_EQ(character.code_point, c);
    ASSERT_EQ(character.size_bytes, text.size());
    uint32_t size_bytes = 0;
    ASSERT_EQ(decode_valid_utf8(text.data(), size_bytes), c);
    ASSERT_EQ(size_bytes, text.size());
    for (size_t cut = 1; cut < text.size(); ++cut) {
      ASSERT_EQ(unfinished_utf8_bytes(text.substr(0, cut)), cut);
    }
    ASSERT_EQ(unfinished_utf8_bytes(text), 0u);
  }
}

TEST(Utf8, bytes_that_nothing_can_complete_are_not_unfinished) {
  for (const char* text :
       {"\x80", "\xC0", "\xE0\x80", "\xED\xA0", "\xF4\x90", "\xF5", "a\x80\x80"}) {
    EXPECT_EQ(unfinished_utf8_bytes(text), 0u) << text;
  }
}

}  // namespace
}  // namespace sparrow
