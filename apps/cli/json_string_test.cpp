#include "apps/cli/json_string.h"

#include <gtest/gtest.h>

#include "sparrow/error.h"

namespace sparrow::cli {
namespace {

TEST(JsonString, reads_escapes_pairs_and_spaces_around) {
  EXPECT_EQ(parse_json_string("\"a\"", "line 1"), "a");
  EXPECT_EQ(parse_json_string(" \"\" \r", "line 1"), "");
  EXPECT_EQ(parse_json_string(R"("\"\\\/\b\f\n\r\t")", "line 1"), "\"\\/\b\f\n\r\t");
  EXPECT_EQ(parse_json_string(R"("\u00e9\u4f60\uD83D\uDE00")", "line 1"), "é你😀");
  EXPECT_EQ(parse_json_string(R"("\u0000")", "line 1"), std::string(1, '\0'));
}

TEST(JsonString, a_lone_surrogate_becomes_the_bytes_that_are_no_utf8) {
  EXPECT_EQ(parse_json_string(R"("\ud800")", "line 1"), "\xED\xA0\x80");
  EXPECT_EQ(parse_json_string(R"("\ud800\u0041")", "line 1"),
            "\xED\xA0\x80"
            "A");
  EXPECT_EQ(parse_json_string(R"("\udc00\ud800")", "line 1"), "\xED\xB0\x80\xED\xA0\x80");
  EXPECT_EQ(parse_json_string("\"\xFF\"", "line 1"), "\xFF");
}

TEST(JsonString, refuses_what_is_no_string_and_says_where) {
  for (const char* line :
       {"", "a", "\"", "\"a", "\"\\", "\"\\u12\"", "\"\\x\"", "\"a\" b", "\"\t\"", "[\"a\"]"}) {
    try {
      parse_json_string(line, "line 7");
      ADD_FAILURE() << line;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::invalid_argument);
      EXPECT_TRUE(std::string(error.what()).starts_with("line 7 ")) << error.what();
    }
  }
}

}  // namespace
}  // namespace sparrow::cli
