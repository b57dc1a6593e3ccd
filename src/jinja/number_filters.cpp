// Filters on numbers.
#include <cmath>

#include "base/error.h"
#include "jinja/builtins.h"
#include "jinja/number_text.h"
#include "jinja/operators.h"

namespace sparrow::jinja {
namespace {

using Arguments = BoundArguments;

void check_number(std::string_view what, const Value& value) {
  if (value.is_undefined()) fail(ErrorCode::invalid_argument, "{}", value.undefined_reason());
  if (!value.is_number())
    fail(ErrorCode::invalid_argument, "{} wants a number, got {}", what, type_name(value));
}

Value absolute(Runtime&, const Value& input, Arguments&) {
  check_number("abs", input);
  if (input.is(Kind::real)) return Value::real(std::abs(input.as_real()));
  return input.as_integer() < 0 ? negate(input) : Value::integer(input.as_integer());
}

Integer round_to_tens(Integer value, int64_t digits) {
  if (digits > 38) return 0;
  Integer unit = 1;
  for (int64_t i = 0; i < digits; ++i) unit *= 10;
  const Integer rest = ((value % unit) + unit) % unit;
  const Integer down = value - rest;
  const bool rounds_up = rest > unit - rest || (rest == unit - rest && (down / unit) % 2 != 0);
  return rounds_up ? down + unit : down;
}

Value rounded(Runtime&, const Value& input, Arguments& arguments) {
  check_number("round", input);
  const int64_t digits = arguments.integer(0, 0);
  const std::string_view method = arguments.has(1) ? arguments.text(1).view() : "common";
  if (method == "common") {
    if (input.is(Kind::real)) return Value::real(round_half_even(input.as_real(), digits));
    return Value::integer(digits >= 0 ? input.as_integer()
                                      : round_to_tens(input.as_integer(), -digits));
  }
  if (method != "ceil" && method != "floor")
    fail(ErrorCode::invalid_argument, "method must be common, ceil or floor");
  const double unit = std::pow(10.0, static_cast<double>(digits));
  const double scaled = input.as_real() * unit;
  truncate(scaled);  // refuses what has no whole part
  return Value::real((method == "ceil" ? std::ceil(scaled) : std::floor(scaled)) / unit);
}

Value to_integer(Runtime& runtime, const Value& input, Arguments& arguments) {
  const Value otherwise = arguments.has(0) ? arguments[0] : Value::integer(0);
  if (input.is_undefined()) fail(ErrorCode::invalid_argument, "{}", input.undefined_reason());
  if (input.is(Kind::real))
    return std::isnan(input.as_real()) ? otherwise : Value::integer(truncate(input.as_real()));
  if (input.is_number()) return Value::integer(input.as_integer());
  if (!input.is_string()) return otherwise;
  runtime.spend(input.weight());
  if (const auto value =
          parse_integer(input.as_view(), static_cast<int>(arguments.integer(1, 10)))) {
    return Value::integer(*value);
  }
  const std::optional<double> real = parse_real(input.as_view());
  if (!real || !std::isfinite(*real)) return otherwise;
  return Value::integer(truncate(*real));
}

Value to_real(Runtime& runtime, const Value& input, Arguments& arguments) {
  if (input.is_undefined()) fail(ErrorCode::invalid_argument, "{}", input.undefined_reason());
  if (input.is_number()) return Value::real(input.as_real());
  runtime.spend(input.weight());
  const std::optional<double> value =
      input.is_string() ? parse_real(input.as_view()) : std::nullopt;
  if (value) return Value::real(*value);
  return arguments.has(0) ? arguments[0] : Value::real(0);
}

constexpr Filter kNumberFilters[] = {
    {"abs", {}, absolute},
    {"float", {{"default"}}, to_real},
    {"int", {{"default", "base"}}, to_integer},
    {"round", {{"precision", "method"}}, rounded},
};

}  // namespace

std::span<const Filter> number_filters() { return kNumberFilters; }

}  // namespace sparrow::jinja
