#include "sampling/params_json.h"

#include <charconv>
#include <limits>

#include "base/error.h"
#include "sampling/field_check.h"

namespace sparrow {
namespace {

// One overload a type of field.
struct FromJson {
  const SamplingField& field;
  const Json& value;

  [[noreturn]] void refuse() const {
    const std::string text = value.dump(-1, ' ', false, Json::error_handler_t::replace);
    fail(ErrorCode::invalid_argument, "{} must be {}, got {}", field.name, field.range, text);
  }
  double to_double(const Json& number) const {
    if (!number.is_number()) refuse();
    return number.get<double>();
  }
  // 3.0 is an integer too: some clients know no other numbers.
  int64_t to_integer(const Json& number) const {
    if (number.is_number_unsigned() &&
        number.get<uint64_t>() > static_cast<uint64_t>(std::numeric_limits<int64_t>::max()))
      refuse();
    if (number.is_number_integer()) return number.get<int64_t>();
    const double real = to_double(number);
    if (!(real >= -0x1p53 && real <= 0x1p53)) refuse();
    const int64_t integer = static_cast<int64_t>(real);
    if (static_cast<double>(integer) != real) refuse();
    return integer;
  }
  int32_t to_id(const Json& number) const {
    const int64_t id = to_integer(number);
    if (id < 0 || id > std::numeric_limits<int32_t>::max()) refuse();
    return static_cast<int32_t>(id);
  }

  void operator()(double& out) const { out = to_double(value); }
  void operator()(int64_t& out) const { out = to_integer(value); }
  void operator()(bool& out) const {
    if (!value.is_boolean()) refuse();
    out = value.get<bool>();
  }
  void operator()(std::optional<int64_t>& out) const { out = to_integer(value); }
  void operator()(std::vector<std::string>& out) const {
    out.clear();
    if (value.is_string()) {
      out.push_back(value.get<std::string>());
      return;
    }
    if (!value.is_array()) refuse();
    for (const Json& text : value) {
      if (!text.is_string()) refuse();
      out.push_back(text.get<std::string>());
    }
  }
  void operator()(std::vector<int32_t>& out) const {
    if (!value.is_array()) refuse();
    out.clear();
    for (const Json& id : value) out.push_back(to_id(id));
  }
  void operator()(std::map<int32_t, double>& out) const {
    if (!value.is_object()) refuse();
    out.clear();
    for (const auto& [key, bias] : value.items()) {
      int32_t id = -1;
      const char* end = key.data() + key.size();
      const auto [rest, error] = std::from_chars(key.data(), end, id);
      if (error != std::errc() || rest != end || id < 0) refuse();
      out[id] = to_double(bias);
    }
  }
};

// One overload a type of field.
struct ToJson {
  Json operator()(const std::optional<int64_t>& value) const {
    return value && *value != -1 ? Json(*value) : Json(nullptr);
  }
  Json operator()(const std::map<int32_t, double>& biases) const {
    Json object = Json::object();
    for (const auto& [id, bias] : biases) object[std::to_string(id)] = bias;
    return object;
  }
  template <typename Value>
  Json operator()(const Value& value) const {
    return Json(value);
  }
};

}  // namespace

void set_sampling_fields(SamplingParams& params, const Json& object, std::string_view what) {
  const std::string prefix = what.empty() ? std::string() : fmt::format("{}: ", what);
  if (!object.is_object()) {
    fail(ErrorCode::invalid_argument, "{}sampling parameters must be a JSON object", prefix);
  }
  SamplingParams changed = params;
  for (const auto& [name, value] : object.items()) {
    const SamplingField* field = find_sampling_field(name);
    if (field == nullptr) {
      fail(ErrorCode::invalid_argument, "{}there is no sampling parameter '{}'", prefix, name);
    }
    if (value.is_null()) continue;
    try {
      std::visit([&](auto member) { FromJson{*field, value}(changed.*member); }, field->member);
      check_sampling_field(changed, *field);
    } catch (const Error& error) {
      throw Error(error.code(), prefix + error.what());
    }
  }
  params = std::move(changed);
}

Json sampling_json(const SamplingParams& params) {
  Json object = Json::object();
  for (const SamplingField& field : sampling_fields()) {
    object[std::string(field.name)] =
        std::visit([&](auto member) { return ToJson{}(params.*member); }, field.member);
  }
  return object;
}

}  // namespace sparrow
