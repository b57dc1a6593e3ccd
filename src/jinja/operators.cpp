#include "jinja/operators.h"

#include <cmath>

#include "base/error.h"
#include "jinja/format.h"

namespace sparrow::jinja {
namespace {

[[noreturn]] void fail_operands(std::string_view symbol, const Value& left, const Value& right) {
  for (const Value* operand : {&left, &right}) {
    if (operand->is_undefined())
      fail(ErrorCode::invalid_argument, "{}", operand->undefined_reason());
  }
  fail(ErrorCode::invalid_argument, "unsupported operand type(s) for {}: '{}' and '{}'", symbol,
       type_name(left), type_name(right));
}

[[noreturn]] void fail_range() {
  fail(ErrorCode::invalid_argument, "the result does not fit 128 bits");
}

bool are_numbers(const Value& left, const Value& right) {
  return left.is_number() && right.is_number();
}
bool has_real(const Value& left, const Value& right) {
  return left.is(Kind::real) || right.is(Kind::real);
}

// A double as Python makes one of an int on the way to a float operation.
double real_of(const Value& value) { return value.as_real(); }

Value concatenate_strings(Runtime& runtime, const Value& left, const Value& right) {
  const bool is_markup = left.is_markup() || right.is_markup();
  const auto part = [&](const Value& value) {
    return is_markup && !value.is_markup() ? escape_markup(runtime, value) : value.as_text();
  };
  runtime.spend_text(left.as_text().size() + right.as_text().size());
  Text text = part(left);
  text.append(part(right));
  return runtime.make_string(std::move(text), is_markup);
}

Value repeat(Runtime& runtime, const Value& value, const Value& count) {
  const int64_t times = std::max<int64_t>(0, small_integer(count));
  if (value.is_string()) {
    const Text& text = value.as_text();
    if (times > 0 && text.size() > runtime.limits().text_bytes / static_cast<size_t>(times)) {
      runtime.spend_text(runtime.limits().text_bytes + 1);
    }
    runtime.spend_text(text.size() * static_cast<size_t>(times));
    runtime.spend(static_cast<int64_t>(text.border_count()) * times);
    Text result;
    if (!text.empty()) {
      for (int64_t i = 0; i < times; ++i) result.append(text);
    }
    return runtime.make_string(std::move(result), value.is_markup());
  }
  const std::vector<Value>& items = value.items();
  std::vector<Value> result;
  if (!items.empty()) {
    // Paid for before it is made.
    runtime.spend(times > kMaxValueWeight ? kMaxValueWeight * 8
                                          : times * static_cast<int64_t>(items.size()));
    for (int64_t i = 0; i < times; ++i) result.insert(result.end(), items.begin(), items.end());
  }
  return value.is(Kind::tuple) ? runtime.make_tuple(std::move(result))
                               : runtime.make_list(std::move(result));
}

bool is_repeatable(const Value& value) { return value.is_string() || value.is_sequence(); }
bool is_integral(const Value& value) { return value.is(Kind::integer) || value.is(Kind::boolean); }

Integer floor_quotient(Integer left, Integer right) {
  if (right == -1) {
    Integer result = 0;
    if (__builtin_sub_overflow(Integer{0}, left, &result)) fail_range();
    return result;
  }
  const Integer quotient = left / right;
  return left % right != 0 && (left < 0) != (right < 0) ? quotient - 1 : quotient;
}

// Python's float modulo: the sign of the divisor.
double floor_modulo(double left, double right) {
  double result = std::fmod(left, right);
  if (result != 0) {
    if ((right < 0) != (result < 0)) result += right;
  } else {
    result = std::copysign(0.0, right);
  }
  return result;
}

Integer integer_power(Integer base, Integer exponent) {
  Integer result = 1;
  while (exponent > 0) {
    if (exponent % 2 != 0 && __builtin_mul_overflow(result, base, &result)) fail_range();
    exponent /= 2;
    if (exponent > 0 && __builtin_mul_overflow(base, base, &base)) fail_range();
  }
  return result;
}

}  // namespace

Value add(Runtime& runtime, const Value& left, const Value& right) {
  if (are_numbers(left, right)) {
    if (has_real(left, right)) return Value::real(real_of(left) + real_of(right));
    Integer result = 0;
    if (__builtin_add_overflow(left.as_integer(), right.as_integer(), &result)) fail_range();
    return Value::integer(result);
  }
  if (left.is_string() && right.is_string()) return concatenate_strings(runtime, left, right);
  if (left.is_sequence() && left.kind() == right.kind()) {
    runtime.spend(static_cast<int64_t>(left.items().size() + right.items().size()));
    std::vector<Value> items = left.items();
    items.insert(items.end(), right.items().begin(), right.items().end());
    return left.is(Kind::tuple) ? runtime.make_tuple(std::move(items))
                                : runtime.make_list(std::move(items));
  }
  if (left.is_string() && !right.is_undefined()) {
    fail(ErrorCode::invalid_argument, "can only concatenate str (not \"{}\") to str",
         type_name(right));
  }
  fail_operands("+", left, right);
}

Value subtract(Runtime&, const Value& left, const Value& right) {
  if (!are_numbers(left, right)) fail_operands("-", left, right);
  if (has_real(left, right)) return Value::real(real_of(left) - real_of(right));
  Integer result = 0;
  if (__builtin_sub_overflow(left.as_integer(), right.as_integer(), &result)) fail_range();
  return Value::integer(result);
}

Value multiply(Runtime& runtime, const Value& left, const Value& right) {
  if (is_repeatable(left) && is_integral(right)) return repeat(runtime, left, right);
  if (is_integral(left) && is_repeatable(right)) return repeat(runtime, right, left);
  if (!are_numbers(left, right)) fail_operands("*", left, right);
  if (has_real(left, right)) return Value::real(real_of(left) * real_of(right));
  Integer result = 0;
  if (__builtin_mul_overflow(left.as_integer(), right.as_integer(), &result)) fail_range();
  return Value::integer(result);
}

Value divide(Runtime&, const Value& left, const Value& right) {
  if (!are_numbers(left, right)) fail_operands("/", left, right);
  if (real_of(right) == 0) fail(ErrorCode::invalid_argument, "division by zero");
  return Value::real(real_of(left) / real_of(right));
}

Value floor_divide(Runtime&, const Value& left, const Value& right) {
  if (!are_numbers(left, right)) fail_operands("//", left, right);
  if (real_of(right) == 0) fail(ErrorCode::invalid_argument, "integer division or modulo by zero");
  if (!has_real(left, right))
    return Value::integer(floor_quotient(left.as_integer(), right.as_integer()));
  const double remainder = floor_modulo(real_of(left), real_of(right));
  const double quotient = (real_of(left) - remainder) / real_of(right);
  const double floored = std::floor(quotient);
  return Value::real(quotient - floored > 0.5 ? floored + 1 : floored);
}

Value modulo(Runtime& runtime, const Value& left, const Value& right) {
  if (left.is_string()) return format_percent(runtime, left, right);
  if (!are_numbers(left, right)) fail_operands("%", left, right);
  if (real_of(right) == 0) fail(ErrorCode::invalid_argument, "integer division or modulo by zero");
  if (has_real(left, right)) return Value::real(floor_modulo(real_of(left), real_of(right)));
  const Integer divisor = right.as_integer();
  if (divisor == -1) return Value::integer(0);
  const Integer result = left.as_integer() % divisor;
  return Value::integer(result != 0 && (result < 0) != (divisor < 0) ? result + divisor : result);
}

Value power(Runtime&, const Value& left, const Value& right) {
  if (!are_numbers(left, right)) fail_operands("** or pow()", left, right);
  if (!has_real(left, right) && right.as_integer() >= 0) {
    return Value::integer(integer_power(left.as_integer(), right.as_integer()));
  }
  if (real_of(left) == 0 && real_of(right) < 0) {
    fail(ErrorCode::invalid_argument, "0.0 cannot be raised to a negative power");
  }
  const double result = std::pow(real_of(left), real_of(right));
  if (std::isnan(result) && !std::isnan(real_of(left)) && !std::isnan(real_of(right))) {
    fail(ErrorCode::invalid_argument, "a root of a negative number is not real");
  }
  if (std::isinf(result) && std::isfinite(real_of(left)) && std::isfinite(real_of(right))) {
    fail(ErrorCode::invalid_argument, "the result of a power is out of range");
  }
  return Value::real(result);
}

Value negate(const Value& operand) {
  if (operand.is_undefined()) fail(ErrorCode::invalid_argument, "{}", operand.undefined_reason());
  if (operand.is(Kind::real)) return Value::real(-operand.as_real());
  if (!operand.is_number())
    fail(ErrorCode::invalid_argument, "bad operand type for unary -: '{}'", type_name(operand));
  Integer result = 0;
  if (__builtin_sub_overflow(Integer{0}, operand.as_integer(), &result)) fail_range();
  return Value::integer(result);
}

Value plus(const Value& operand) {
  if (operand.is_undefined()) fail(ErrorCode::invalid_argument, "{}", operand.undefined_reason());
  if (operand.is(Kind::real)) return operand;
  if (!operand.is_number())
    fail(ErrorCode::invalid_argument, "bad operand type for unary +: '{}'", type_name(operand));
  return Value::integer(operand.as_integer());
}

Text escape_markup(Runtime& runtime, const Value& value) {
  const Text text = runtime.text_of(value);
  if (value.is_markup()) return text;
  Text result;
  size_t begin = 0;
  for (size_t at = 0; at < text.size(); ++at) {
    const char c = text.view()[at];
    const std::string_view entity = c == '&'    ? "&amp;"
                                    : c == '<'  ? "&lt;"
                                    : c == '>'  ? "&gt;"
                                    : c == '\'' ? "&#39;"
                                    : c == '"'  ? "&#34;"
                                                : "";
    if (entity.empty()) continue;
    result.append(text, begin, at);
    result.append(entity, false);
    begin = at + 1;
  }
  result.append(text, begin, text.size());
  runtime.spend_text(result.size());
  return result;
}

}  // namespace sparrow::jinja
