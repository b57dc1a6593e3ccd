#include "server/sampling_schema.h"

#include <string>

#include "sampling/params_json.h"

namespace sparrow {
namespace {

// 2^63 - 1 is no double.
int64_t to_bound(double bound) { return bound < 0x1p63 ? static_cast<int64_t>(bound) : INT64_MAX; }

Json nullable(std::string_view type) { return {{"type", Json::array({type, "null"})}}; }

// One overload a type of field.
struct SchemaOf {
  const SamplingField& field;

  Json number(Json schema) const {
    schema[field.minimum_open ? "exclusiveMinimum" : "minimum"] = field.minimum;
    schema["maximum"] = field.maximum;
    return schema;
  }
  Json integer(Json schema) const {
    schema["minimum"] = to_bound(field.minimum);
    schema["maximum"] = to_bound(field.maximum);
    return schema;
  }
  Json list(Json items) const {
    return {{"type", "array"}, {"items", std::move(items)}, {"maxItems", field.maximum_count}};
  }

  Json operator()(double) const { return number(nullable("number")); }
  Json operator()(int64_t) const { return integer(nullable("integer")); }
  Json operator()(const std::optional<int64_t>&) const { return integer(nullable("integer")); }
  Json operator()(bool) const { return nullable("boolean"); }
  Json operator()(const std::vector<std::string>&) const {
    const Json text = {{"type", "string"},
                       {"minLength", to_bound(field.minimum)},
                       {"maxLength", to_bound(field.maximum)}};
    return {{"anyOf", {text, list(text), {{"type", "null"}}}}};
  }
  Json operator()(const std::vector<int32_t>&) const {
    return {{"anyOf", {list(integer({{"type", "integer"}})), {{"type", "null"}}}}};
  }
  Json operator()(const std::map<int32_t, double>&) const {
    Json schema = nullable("object");
    schema["propertyNames"] = {{"pattern", "^[0-9]{1,9}$"}};
    schema["additionalProperties"] = number({{"type", "number"}});
    schema["maxProperties"] = field.maximum_count;
    return schema;
  }
};

}  // namespace

Json sampling_schema(const SamplingField& field, const SamplingParams& general) {
  Json schema =
      std::visit([&](auto member) { return SchemaOf{field}(general.*member); }, field.member);
  schema["description"] = field.doc;
  schema["default"] = sampling_json(general)[std::string(field.name)];
  return schema;
}

}  // namespace sparrow
