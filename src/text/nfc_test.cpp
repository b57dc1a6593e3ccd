#include "text/nfc.h"

#include <gtest/gtest.h>

#include "base/utf8.h"
#include "tests/support/crc32.h"

namespace sparrow {
namespace {

TEST(Nfc, of_every_code_point_is_the_references) {
  std::string lines;
  for (char32_t c = 0; c < 0x110000; ++c) {
    if (c >= 0xD800 && c < 0xE000) continue;
    std::string text;
    append_utf8(c, text);
    const std::string composed = to_nfc(text);
    EXPECT_TRUE(!is_nfc_stable(text) || composed == text);
    lines += composed + "\n";
  }
  // The sum that scripts/make_unicode_tables.py prints.
  EXPECT_EQ(test::crc32(lines), 0x351812cbu);
}

struct NfcCase {
  const char* text;
  const char* composed;
};

TEST(Nfc, composes_reorders_and_blocks) {
  const NfcCase cases[] = {
      {"", ""},
      {"e\u0301", "\u00e9"},
      {"e\u0301e\u0301", "\u00e9\u00e9"},
      {"12345678e\u030112345678", "12345678\u00e912345678"},
      {"a\u0323\u0307", "\u1ea1\u0307"},
      {"a\u0307\u0323", "\u1ea1\u0307"},              // reordered
      {"a\u0327\u0301\u0301", "\u00e1\u0327\u0301"},  // the second U+0301 is blocked
      {"\u0301e", "\u0301e"},
      {"\u1100\u1161\u11a8", "\uac01"},
      {"\uac00\u11a8", "\uac01"},
      {"\uac01\u11a8", "\uac01\u11a8"},
      {"\u0958", "\u0915\u093c"},  // excluded from composition
      {"\u212b", "\u00c5"},
      {"\u0344", "\u0308\u0301"},
      {"\u09c7\u09be", "\u09cb"},  // two starters
      {"\u2adc", "\u2add\u0338"},
      {"\U0001d15e", "\U0001d157\U0001d165"},
      {"\u05d0\u05b7\u05bc", "\u05d0\u05b7\u05bc"},
  };
  for (const NfcCase& row : cases) {
    EXPECT_EQ(to_nfc(row.text), row.composed) << row.text;
    EXPECT_EQ(to_nfc(row.composed), row.composed) << row.text;
  }
}

TEST(Nfc, a_long_run_of_marks_is_sorted) {
  std::string marks;
  std::string sorted;
  for (int i = 0; i < 20000; ++i) marks += "\u0301\u0323";
  for (int i = 0; i < 20000; ++i) sorted += "\u0323";
  for (int i = 0; i < 20000; ++i) sorted += "\u0301";
  EXPECT_EQ(to_nfc("x" + marks), "x" + sorted);
}

}  // namespace
}  // namespace sparrow
