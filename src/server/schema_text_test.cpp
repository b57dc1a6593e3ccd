#include "server/schema_text.h"

#include <gtest/gtest.h>

namespace sparrow {
namespace {

Json json(const char* text) { return Json::parse(text); }

TEST(SchemaText, types_are_named) {
  EXPECT_EQ(schema_of_type("string"), json(R"({"type": "string"})"));
  EXPECT_EQ(schema_of_type("any"), json("{}"));
  EXPECT_EQ(schema_of_type("integer")["maximum"], INT64_MAX);
}

TEST(SchemaText, ranges_are_of_values_or_lengths) {
  EXPECT_EQ(schema_of_type("integer(1..8)"),
            json(R"({"type": "integer", "maximum": 8, "minimum": 1})"));
  EXPECT_EQ(schema_of_type("number(0<..1)"),
            json(R"({"type": "number", "exclusiveMinimum": 0, "maximum": 1})"));
  EXPECT_EQ(schema_of_type("string(1..)"), json(R"({"type": "string", "minLength": 1})"));
  EXPECT_EQ(schema_of_type("[string](..16)"),
            json(R"({"type": "array", "items": {"type": "string"}, "maxItems": 16})"));
  EXPECT_EQ(schema_of_type("{}(..0)"), json(R"({"type": "object", "maxProperties": 0})"));
}

TEST(SchemaText, alternatives_are_joined_where_they_can_be) {
  EXPECT_EQ(schema_of_type("'a'|'b'"), json(R"({"enum": ["a", "b"]})"));
  EXPECT_EQ(schema_of_type("-1|2"), json(R"({"enum": [-1, 2]})"));
  EXPECT_EQ(schema_of_type("string|boolean"), json(R"({"type": ["string", "boolean"]})"));
  EXPECT_EQ(schema_of_type("boolean|'a'"),
            json(R"({"anyOf": [{"type": "boolean"}, {"const": "a"}]})"));
}

TEST(SchemaText, what_may_be_left_out_may_be_null) {
  EXPECT_EQ(schema_of_fields("a! string, b string = \"x\", c {d 'e'|'f'}, g false, h any, i null"),
            json(R"({"type": "object", "required": ["a"], "properties": {
              "a": {"type": "string"},
              "b": {"type": ["string", "null"], "default": "x"},
              "c": {"anyOf": [{"type": "object", "properties": {"d": {"enum": ["e", "f", null]}}},
                              {"type": "null"}]},
              "g": {"enum": [false, null]},
              "h": {},
              "i": {"type": "null"}}})"));
}

TEST(SchemaText, a_value_is_its_own_pattern) {
  EXPECT_EQ(schema_like(json(R"({"a": "x", "b": {"c": null}})")), json(R"({
    "type": "object", "required": ["a", "b"], "properties": {
      "a": {"type": "string"},
      "b": {"type": "object", "required": ["c"],
            "properties": {"c": {"type": ["string", "null"]}}}}})"));
}

}  // namespace
}  // namespace sparrow
