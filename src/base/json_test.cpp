#include "base/json.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace sparrow {
namespace {

TEST(ParseJson, keeps_the_order_of_keys) {
  EXPECT_EQ(parse_json(R"({"b":1,"a":2})", "test").dump(), R"({"b":1,"a":2})");
}

TEST(ParseJson, takes_depth_64_and_refuses_65) {
  const std::string at_limit = std::string(64, '[') + std::string(64, ']');
  const std::string beyond = std::string(65, '[') + std::string(65, ']');
  EXPECT_NO_THROW(parse_json(at_limit, "test"));
  EXPECT_THROW(parse_json(beyond, "test"), Error);
  EXPECT_THROW(parse_json(std::string(1 << 20, '['), "test"), Error);
}

std::string object_with_keys(size_t count) {
  std::string text = "[{";
  for (size_t i = 0; i < count; ++i) text += (i ? ",\"k" : "\"k") + std::to_string(i) + "\":0";
  return text + "}]";
}

TEST(ParseJson, takes_16384_keys_in_each_object_and_refuses_16385) {
  const std::string at_limit = object_with_keys(16384);
  EXPECT_NO_THROW(parse_json("[" + at_limit + "," + at_limit + "]", "test"));
  EXPECT_THROW(parse_json(object_with_keys(16385), "test"), Error);
  EXPECT_EQ(parse_tree_json(object_with_keys(20000), "test")[0].size(), 20000u);
}

TEST(ParseJson, time_grows_as_keys_do) {
  JsonLimits limits;
  limits.object_keys = SIZE_MAX;
  EXPECT_EQ(parse_json(object_with_keys(1000000), "test", limits)[0].size(), 1000000u);
}

TEST(ParseJson, the_last_of_equal_keys_counts_and_the_first_ones_place) {
  EXPECT_EQ(parse_json(R"({"a":1,"b":2,"a":{"c":3}})", "test").dump(), R"({"a":{"c":3},"b":2})");
  std::string text = object_with_keys(100);
  text.resize(text.size() - 2);
  const Json object = parse_json(text + R"(,"k99":1,"k3":2,"k3":[3]}])", "test")[0];
  EXPECT_EQ(object.size(), 100u);
  EXPECT_EQ(object["k99"], 1);
  EXPECT_EQ(std::next(object.begin(), 3).key(), "k3");
  EXPECT_EQ(object["k3"], Json::array({3}));
}

TEST(ParseJson, takes_numbers_of_64_characters_and_refuses_65) {
  const std::string at_limit = "0." + std::string(62, '1');
  EXPECT_NO_THROW(parse_json("[" + at_limit + ", " + at_limit + "]", "test"));
  EXPECT_NO_THROW(parse_json("\"" + std::string(65, '1') + "\\\"" + at_limit + "\"", "test"));
  EXPECT_THROW(parse_json("[" + at_limit + "1]", "test"), Error);
  EXPECT_THROW(parse_json("{\"a\":1e" + std::string(63, '0') + "}", "test"), Error);
}

TEST(ParseJson, takes_strings_of_16_MiB_and_refuses_a_byte_more) {
  const std::string at_limit(size_t{16} << 20, 'a');
  EXPECT_NO_THROW(parse_json("[\"" + at_limit + "\"]", "test"));
  EXPECT_THROW(parse_json("[\"" + at_limit + "a\"]", "test"), Error);
  EXPECT_THROW(parse_json("{\"" + at_limit + "a\":0}", "test"), Error);
}

TEST(ParseJson, a_broken_tree_is_a_broken_file) {
  try {
    parse_tree_json("{", "tokenizer.json");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::invalid_file);
  }
}

TEST(ParseJson, names_the_document_and_the_byte) {
  try {
    parse_json("{\"a\": tru}", "the request body");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::invalid_argument);
    EXPECT_NE(std::string(error.what()).find("the request body is not valid JSON at byte"),
              std::string::npos);
  }
}

std::string message_of(const std::string& text) {
  try {
    parse_json(text, "the request body");
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::invalid_argument);
    return error.what();
  }
  return "nothing was thrown";
}

TEST(ParseJson, a_number_beyond_64_bit_floats_is_an_error_that_shows_it) {
  EXPECT_EQ(message_of("[1, 224e2455]"),
            "the request body holds a number beyond 64-bit floats: 224e2455");
  EXPECT_EQ(parse_json("1e-999", "test").get<double>(), 0.0);
}

TEST(ParseJson, errors_show_the_beginning_of_what_is_long) {
  EXPECT_LT(message_of("[1" + std::string(100000, '0') + ".5]").size(), 400u);
  EXPECT_LT(message_of("\"" + std::string(100000, 'a')).size(), 400u);
}

}  // namespace
}  // namespace sparrow
