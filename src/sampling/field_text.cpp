#include <fmt/ranges.h>

#include <charconv>
#include <ranges>

#include "base/error.h"
#include "base/json.h"
#include "sampling/field_check.h"

namespace sparrow {
namespace {

// A whole text as a number; nothing else may stand around it.
template <typename Number>
std::optional<Number> parse_number(std::string_view text) {
  Number number{};
  const char* end = text.data() + text.size();
  if (text.starts_with('+') && !text.starts_with("+-")) text.remove_prefix(1);
  const auto [rest, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc() || rest != end || text.empty()) return std::nullopt;
  return number;
}

// Sets a member from its values; one overload a type of field.
struct Parse {
  const SamplingField& field;
  std::span<const std::string> values;

  void operator()(double& out) const { out = number<double>(one_value()); }
  void operator()(int64_t& out) const { out = number<int64_t>(one_value()); }
  void operator()(bool& out) const {
    const std::string_view value = values.empty() ? std::string_view("true") : one_value();
    if (value == "true" || value == "1" || value == "on" || value == "yes") {
      out = true;
    } else if (value == "false" || value == "0" || value == "off" || value == "no") {
      out = false;
    } else {
      refuse_sampling_value(field, value);
    }
  }
  void operator()(std::optional<int64_t>& out) const {
    out.reset();
    if (one_value() != "random") out = number<int64_t>(one_value());
  }
  void operator()(std::vector<std::string>& out) const {
    out.assign(values.begin(), values.end());
    if (is_empty_list()) out.clear();
  }
  void operator()(std::vector<int32_t>& out) const {
    out.clear();
    if (is_empty_list()) return;
    for (const std::string& value : values) out.push_back(number<int32_t>(value));
  }
  void operator()(std::map<int32_t, double>& out) const {
    out.clear();
    if (is_empty_list()) return;
    for (const std::string_view value : values) {
      const size_t equals = value.find('=');
      if (equals == std::string_view::npos) {
        fail(ErrorCode::invalid_argument, "{} takes ID=BIAS, such as 15=-2.5, got '{}'", field.name,
             value);
      }
      out[number<int32_t>(value.substr(0, equals))] = number<double>(value.substr(equals + 1));
    }
  }

  bool is_empty_list() const { return values.size() == 1 && values[0].empty(); }

  std::string_view one_value() const {
    if (values.size() != 1) {
      fail(ErrorCode::invalid_argument, "{} takes one value, got {}", field.name, values.size());
    }
    return values[0];
  }

  template <typename Number>
  Number number(std::string_view text) const {
    const std::optional<Number> parsed = parse_number<Number>(text);
    if (!parsed) refuse_sampling_value(field, text);
    return *parsed;
  }
};

std::string quoted(const std::string& text) {
  return Json(text).dump(-1, ' ', false, Json::error_handler_t::replace);
}

// One overload a type of field.
struct Show {
  std::string operator()(double value) const { return fmt::format("{}", value); }
  std::string operator()(int64_t value) const { return fmt::format("{}", value); }
  std::string operator()(bool value) const { return value ? "true" : "false"; }
  std::string operator()(const std::optional<int64_t>& value) const {
    return value && *value != -1 ? fmt::format("{}", *value) : "random";
  }
  std::string operator()(const std::vector<std::string>& texts) const {
    return fmt::format("[{}]", fmt::join(texts | std::views::transform(quoted), ", "));
  }
  std::string operator()(const std::vector<int32_t>& ids) const {
    return fmt::format("[{}]", fmt::join(ids, ", "));
  }
  std::string operator()(const std::map<int32_t, double>& biases) const {
    std::string out;
    for (const auto& [id, bias] : biases)
      out += fmt::format("{}{}={}", out.empty() ? "" : ", ", id, bias);
    return "[" + out + "]";
  }
};

std::string all_names() {
  return fmt::format(
      "{}", fmt::join(sampling_fields() | std::views::transform(&SamplingField::name), ", "));
}

}  // namespace

void set_sampling_field(SamplingParams& params, std::string_view name,
                        std::span<const std::string> values) {
  const SamplingField* field = find_sampling_field(name);
  if (field == nullptr) {
    fail(ErrorCode::invalid_argument, "there is no sampling parameter '{}'; there are {}", name,
         all_names());
  }
  SamplingParams changed = params;
  std::visit([&](auto member) { Parse{*field, values}(changed.*member); }, field->member);
  check_sampling_field(changed, *field);
  params = std::move(changed);
}

std::string sampling_field_text(const SamplingParams& params, const SamplingField& field) {
  return std::visit([&](auto member) { return Show{}(params.*member); }, field.member);
}

}  // namespace sparrow
