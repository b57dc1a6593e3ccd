#include "server/json_fields.h"

#include <cmath>

#include "base/error.h"

namespace sparrow {
namespace {

// "an empty list" says more than "array".
std::string_view type_name(const Json& value) {
  switch (value.type()) {
    case Json::value_t::null:
      return "null";
    case Json::value_t::object:
      return "an object";
    case Json::value_t::array:
      return "a list";
    case Json::value_t::string:
      return "a string";
    case Json::value_t::boolean:
      return value.get<bool>() ? "true" : "false";
    default:
      return "a number";
  }
}

}  // namespace

JsonFields::JsonFields(const Json& object, std::string path)
    : object_(object), path_(std::move(path)) {
  if (object.is_object()) return;
  fail(ErrorCode::invalid_argument, "{} must be an object, got {}",
       path_.empty() ? "the request" : path_, type_name(object));
}

const Json* JsonFields::find(std::string_view name) const {
  const auto found = object_.find(name);
  return found == object_.end() || found->is_null() ? nullptr : &*found;
}

std::string JsonFields::path_of(std::string_view name) const {
  return path_.empty() ? std::string(name) : fmt::format("{}.{}", path_, name);
}

void JsonFields::refuse(std::string_view name, std::string_view wanted, const Json& got) const {
  fail(ErrorCode::invalid_argument, "{} must be {}, got {}", path_of(name), wanted, type_name(got));
}

std::optional<std::string> JsonFields::text(std::string_view name) const {
  const Json* value = find(name);
  if (value == nullptr) return std::nullopt;
  if (!value->is_string()) refuse(name, "a string", *value);
  return value->get<std::string>();
}

std::string JsonFields::required_text(std::string_view name) const {
  std::optional<std::string> value = text(name);
  if (!value) fail(ErrorCode::invalid_argument, "{} is required", path_of(name));
  return *std::move(value);
}

std::optional<bool> JsonFields::boolean(std::string_view name) const {
  const Json* value = find(name);
  if (value == nullptr) return std::nullopt;
  if (!value->is_boolean()) refuse(name, "true or false", *value);
  return value->get<bool>();
}

std::optional<double> JsonFields::number(std::string_view name) const {
  const Json* value = find(name);
  if (value == nullptr) return std::nullopt;
  if (!value->is_number()) refuse(name, "a number", *value);
  const double number = value->get<double>();
  if (!std::isfinite(number)) refuse(name, "a finite number", *value);
  return number;
}

std::optional<int64_t> JsonFields::integer(std::string_view name) const {
  const Json* value = find(name);
  if (value == nullptr) return std::nullopt;
  if (value->is_number_integer() && !value->is_number_unsigned()) return value->get<int64_t>();
  if (value->is_number_unsigned() && value->get<uint64_t>() <= uint64_t{INT64_MAX})
    return static_cast<int64_t>(value->get<uint64_t>());
  const double real = value->is_number() ? value->get<double>() : NAN;
  if (!(std::abs(real) <= 0x1p53) || std::floor(real) != real) refuse(name, "an integer", *value);
  return static_cast<int64_t>(real);
}

const Json* JsonFields::list(std::string_view name) const {
  const Json* value = find(name);
  if (value != nullptr && !value->is_array()) refuse(name, "a list", *value);
  return value;
}

const Json* JsonFields::object(std::string_view name) const {
  const Json* value = find(name);
  if (value != nullptr && !value->is_object()) refuse(name, "an object", *value);
  return value;
}

std::vector<std::string> JsonFields::texts(std::string_view name) const {
  const Json* value = find(name);
  if (value == nullptr) return {};
  if (value->is_string()) return {value->get<std::string>()};
  if (!value->is_array()) refuse(name, "a string or a list of strings", *value);
  std::vector<std::string> texts;
  for (size_t i = 0; i < value->size(); ++i) {
    if (!(*value)[i].is_string()) refuse(fmt::format("{}[{}]", name, i), "a string", (*value)[i]);
    texts.push_back((*value)[i].get<std::string>());
  }
  return texts;
}

Json parse_body(std::string_view body) {
  if (body.find_first_not_of(" \t\r\n") == std::string_view::npos)
    fail(ErrorCode::invalid_argument, "missing request body");
  return parse_json(body, "the request's body");
}

}  // namespace sparrow
