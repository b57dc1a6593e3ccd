#include "server/schema_text.h"

#include <algorithm>
#include <cctype>
#include <cstdint>
#include <string>

#include "base/error.h"

namespace sparrow {
namespace {

// What a simple type's schema begins with.
Json named_type(std::string_view name) {
  if (name == "any") return Json::object();
  if (name == "integer") {
    return {{"type", name}, {"minimum", INT64_MIN}, {"maximum", INT64_MAX}};
  }
  constexpr std::string_view kNames[] = {"string", "number", "boolean", "null", "object"};
  SPARROW_CHECK(std::ranges::find(kNames, name) != std::end(kNames));
  return {{"type", name}};
}

// One of several schemas; words and plain types are joined to one.
Json any_of(const Json& alternatives) {
  if (alternatives.size() == 1) return alternatives.front();
  Json words = Json::array();
  Json types = Json::array();
  for (const Json& one : alternatives) {
    if (one.contains("const")) words.push_back(one["const"]);
    if (one.size() == 1 && one.contains("type")) types.push_back(one["type"]);
  }
  if (words.size() == alternatives.size()) return {{"enum", words}};
  if (types.size() == alternatives.size()) return {{"type", types}};
  return {{"anyOf", alternatives}};
}

Json or_null(Json schema) {
  if (schema.empty() || schema == Json{{"type", "null"}}) return schema;
  Json alternatives = schema.contains("anyOf") ? schema["anyOf"] : Json::array({schema});
  if (schema.contains("const")) return {{"enum", {schema["const"], nullptr}}};
  if (schema.contains("enum")) {
    schema["enum"].push_back(nullptr);
    return schema;
  }
  if (schema.contains("type") && schema["type"].is_array() && schema.size() == 1) {
    schema["type"].push_back("null");
    return schema;
  }
  alternatives.push_back({{"type", "null"}});
  return any_of(alternatives);
}

class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  Json type() {
    Json alternatives = Json::array();
    do {
      alternatives.push_back(alternative());
    } while (takes("|"));
    return any_of(alternatives);
  }

  Json fields() {
    Json schema = {{"type", "object"}};
    if (is_at_end() || text_[at_] == '}') return schema;
    do {
      field(schema);
    } while (takes(", "));
    return schema;
  }

  bool is_at_end() const { return at_ == text_.size(); }

 private:
  bool takes(std::string_view word) {
    if (!text_.substr(at_).starts_with(word)) return false;
    at_ += word.size();
    return true;
  }
  void take(std::string_view word) { SPARROW_CHECK(takes(word)); }

  std::string_view until(std::string_view ends) {
    const size_t end = std::min(text_.find_first_of(ends, at_), text_.size());
    const std::string_view found = text_.substr(at_, end - at_);
    at_ = end;
    return found;
  }

  Json alternative() {
    if (takes("'")) {
      const std::string_view word = until("'");
      take("'");
      return {{"const", word}};
    }
    Json schema;
    if (std::isdigit(static_cast<unsigned char>(text_[at_])) != 0 || text_[at_] == '-' ||
        text_.substr(at_).starts_with("false"))
      return {{"const", Json::parse(until(" ,|)]}"))}};
    if (takes("[")) {
      schema = {{"type", "array"}, {"items", type()}};
      take("]");
    } else if (takes("{")) {
      schema = fields();
      take("}");
    } else {
      schema = named_type(until(" ,|()[]{}"));
    }
    if (takes("(")) range(schema);
    return schema;
  }

  void range(Json& schema) {
    const std::string_view bounds = until(")");
    take(")");
    const size_t dots = bounds.find("..");
    SPARROW_CHECK(dots != std::string_view::npos);
    std::string_view least = bounds.substr(0, dots);
    const std::string_view most = bounds.substr(dots + 2);
    const std::string type = schema["type"].get<std::string>();
    const bool is_open = least.ends_with('<');
    if (is_open) least.remove_suffix(1);
    const std::string of = type == "string"   ? "Length"
                           : type == "array"  ? "Items"
                           : type == "object" ? "Properties"
                                              : "imum";
    if (!least.empty()) {
      schema.erase("minimum");
      schema[is_open ? "exclusiveMinimum" : "min" + of] = Json::parse(least);
    }
    if (!most.empty()) schema["max" + of] = Json::parse(most);
  }

  void field(Json& schema) {
    std::string name(until(" "));
    take(" ");
    const bool is_required = name.ends_with('!');
    if (is_required) {
      name.pop_back();
      schema["required"].push_back(name);
    }
    Json one = is_required ? type() : or_null(type());
    if (takes(" = ")) one["default"] = Json::parse(until(",}"));
    schema["properties"][name] = std::move(one);
  }

  std::string_view text_;
  size_t at_ = 0;
};

}  // namespace

Json schema_of_type(std::string_view type) {
  Reader reader(type);
  Json schema = reader.type();
  SPARROW_CHECK(reader.is_at_end());
  return schema;
}

Json schema_of_fields(std::string_view fields) {
  Reader reader(fields);
  Json schema = reader.fields();
  SPARROW_CHECK(reader.is_at_end());
  return schema;
}

Json schema_like(const Json& value) {
  if (value.is_string()) return {{"type", "string"}};
  if (value.is_number()) return {{"type", "integer"}};
  if (value.is_null()) return {{"type", Json::array({"string", "null"})}};
  SPARROW_CHECK(value.is_object());
  Json schema = {{"type", "object"}};
  for (const auto& [name, part] : value.items()) {
    schema["required"].push_back(name);
    schema["properties"][name] = schema_like(part);
  }
  return schema;
}

}  // namespace sparrow
