#include <cmath>

#include "base/error.h"
#include "sampling/field_check.h"

namespace sparrow {
namespace {

// Whether a value fits its row; one overload a type of field.
struct Fits {
  const SamplingField& field;

  bool operator()(double value) const {
    if (!std::isfinite(value) || value > field.maximum) return false;
    return field.minimum_open ? value > field.minimum : value >= field.minimum;
  }
  bool operator()(int64_t value) const {
    // 2^63 - 1 is no double; only bounds that are take part in the comparison.
    const bool is_above = field.maximum < 0x1p63 && value > static_cast<int64_t>(field.maximum);
    return value >= static_cast<int64_t>(field.minimum) && !is_above;
  }
  bool operator()(bool) const { return true; }
  bool operator()(const std::optional<int64_t>& value) const { return !value || (*this)(*value); }
  bool operator()(const std::vector<std::string>& texts) const {
    for (const std::string& text : texts)
      if (!(*this)(static_cast<int64_t>(text.size()))) return false;
    return fits_count(texts.size());
  }
  bool operator()(const std::vector<int32_t>& ids) const {
    for (const int32_t id : ids)
      if (!(*this)(int64_t{id})) return false;
    return fits_count(ids.size());
  }
  bool operator()(const std::map<int32_t, double>& biases) const {
    for (const auto& [id, bias] : biases)
      if (id < 0 || !(*this)(bias)) return false;
    return fits_count(biases.size());
  }
  bool fits_count(size_t count) const { return static_cast<int64_t>(count) <= field.maximum_count; }
};

// A list is shown whole only if it is short.
std::string shown(const SamplingParams& params, const SamplingField& field) {
  constexpr size_t kLongestShown = 100;
  const std::string text = sampling_field_text(params, field);
  if (text.size() <= kLongestShown) return text;
  size_t end = kLongestShown;
  while ((static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;  // no half characters
  return fmt::format("{}… ({} bytes)", text.substr(0, end), text.size());
}

}  // namespace

void check_sampling_field(const SamplingParams& params, const SamplingField& field) {
  const bool fits =
      std::visit([&](auto member) { return Fits{field}(params.*member); }, field.member);
  if (!fits) {
    fail(ErrorCode::invalid_argument, "{} must be {}, got {}", field.name, field.range,
         shown(params, field));
  }
}

void refuse_sampling_value(const SamplingField& field, std::string_view value) {
  fail(ErrorCode::invalid_argument, "{} must be {}, got '{}'", field.name, field.range, value);
}

void validate(const SamplingParams& params) {
  for (const SamplingField& field : sampling_fields()) check_sampling_field(params, field);
  if (params.max_tokens >= 0 && params.min_tokens > params.max_tokens) {
    fail(ErrorCode::invalid_argument, "min_tokens must be at most max_tokens ({}), got {}",
         params.max_tokens, params.min_tokens);
  }
  if (params.mirostat != 0 && params.temperature == 0) {
    fail(ErrorCode::invalid_argument,
         "mirostat {} draws at random: temperature must be above 0 with it, got 0",
         params.mirostat);
  }
}

}  // namespace sparrow
