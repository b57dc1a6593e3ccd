// Whether a value fits a JSON schema, as far as the server's own documents use them.
#pragma once

#include <algorithm>
#include <cctype>
#include <cmath>
#include <string>

#include "base/json.h"
#include "base/utf8.h"

namespace sparrow::test_support {

inline bool has_type(const Json& value, const std::string& type) {
  if (type == "integer")
    return value.is_number() && std::floor(value.get<double>()) == value.get<double>();
  if (type == "number") return value.is_number();
  if (type == "object") return value.is_object();
  if (type == "array") return value.is_array();
  if (type == "string") return value.is_string();
  if (type == "boolean") return value.is_boolean();
  return value.is_null();
}

inline size_t character_count(const std::string& text) {
  return static_cast<size_t>(std::ranges::count_if(
      text, [](char byte) { return (static_cast<unsigned char>(byte) & 0xC0) != 0x80; }));
}

// Numbers by value: nlohmann takes 2^64 - 1 for -1.
inline bool is_same(const Json& a, const Json& b) {
  if (a.is_number() && b.is_number()) return a.get<double>() == b.get<double>();
  return a == b;
}

// `document`: what a $ref is looked up in.
inline bool fits_schema(const Json& value, const Json& schema, const Json& document = {}) {
  if (schema.contains("$ref")) {
    const std::string pointer = schema["$ref"].get<std::string>().substr(1);
    return fits_schema(value, document.at(Json::json_pointer(pointer)), document);
  }
  const auto fits = [&](const Json& other) { return fits_schema(value, other, document); };
  if (schema.contains("anyOf") && std::ranges::none_of(schema["anyOf"], fits)) return false;
  if (schema.contains("const") && !is_same(value, schema["const"])) return false;
  if (schema.contains("enum")) {
    const auto is_it = [&](const Json& word) { return is_same(value, word); };
    if (std::ranges::none_of(schema["enum"], is_it)) return false;
  }
  if (schema.contains("type")) {
    const Json types = schema["type"].is_array() ? schema["type"] : Json::array({schema["type"]});
    const auto is_one = [&](const Json& type) { return has_type(value, type.get<std::string>()); };
    if (std::ranges::none_of(types, is_one)) return false;
  }
  if (value.is_number()) {
    if (schema.contains("minimum") && value < schema["minimum"]) return false;
    if (schema.contains("maximum") && value > schema["maximum"]) return false;
    if (schema.contains("exclusiveMinimum") && value <= schema["exclusiveMinimum"]) return false;
  }
  const auto has_size = [&](size_t size, const char* least, const char* most) {
    return size >= schema.value(least, size_t{0}) && size <= schema.value(most, SIZE_MAX);
  };
  if (value.is_string())
    return has_size(character_count(value.get<std::string>()), "minLength", "maxLength");
  if (value.is_array()) {
    const auto fits_item = [&](const Json& item) {
      return fits_schema(item, schema["items"], document);
    };
    return has_size(value.size(), "minItems", "maxItems") &&
           (!schema.contains("items") || std::ranges::all_of(value, fits_item));
  }
  if (!value.is_object()) return true;
  for (const Json& name : schema.value("required", Json::array()))
    if (!value.contains(name.get<std::string>())) return false;
  const Json properties = schema.value("properties", Json::object());
  for (const auto& [name, part] : value.items()) {
    if (properties.contains(name) && !fits_schema(part, properties[name], document)) return false;
    if (!schema.contains("additionalProperties") || properties.contains(name)) continue;
    const bool is_number =
        std::ranges::all_of(name, [](unsigned char c) { return std::isdigit(c) != 0; });
    if (!is_number || !fits_schema(part, schema["additionalProperties"], document)) return false;
  }
  return has_size(value.size(), "minProperties", "maxProperties");
}

}  // namespace sparrow::test_support
