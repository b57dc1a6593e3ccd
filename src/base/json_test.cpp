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

}  // namespace
}  // namespace sparrow
