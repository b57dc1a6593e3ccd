#include "jinja/number_text.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "base/error.h"
#include "jinja/characters.h"

namespace sparrow::jinja {
namespace {

// The most digits that a format may ask of a float.
constexpr int kMostPrecision = 500;

std::string not_finite_text(double value) {
  return std::isnan(value) ? "nan" : value < 0 ? "-inf" : "inf";
}

std::string to_chars_text(double value, std::chars_format format, int precision) {
  if (precision > kMostPrecision) {
    fail(ErrorCode::invalid_argument, "a precision of {} is more than {}", precision,
         kMostPrecision);
  }
  std::array<char, 400 + kMostPrecision> buffer;
  const auto end =
      std::to_chars(buffer.data(), buffer.data() + buffer.size(), value, format, precision);
  return std::string(buffer.data(), end.ptr);
}

// Python's 'g' without '#': no zeros behind the last digit, no bare point.
std::string without_trailing_zeros(const std::string& text) {
  const size_t exponent = std::min(text.find('e'), text.size());
  if (text.find('.') == std::string::npos) return text;
  size_t end = text.find_last_not_of('0', exponent - 1) + 1;
  if (text[end - 1] == '.') --end;
  return text.substr(0, end) + text.substr(exponent);
}

// `shows_point` is what str() of a float does: never digits alone.
std::string general_text(double value, int precision, bool keep_point, bool shows_point) {
  precision = std::max(precision, 1);
  const std::string scientific = to_chars_text(value, std::chars_format::scientific, precision - 1);
  const std::string_view exponent_text =
      std::string_view(scientific).substr(scientific.find('e') + 1);
  int exponent = 0;
  std::from_chars(exponent_text.data() + 1, exponent_text.data() + exponent_text.size(), exponent);
  if (exponent_text[0] == '-') exponent = -exponent;
  const bool is_fixed = exponent >= -4 && exponent < precision - (shows_point ? 1 : 0);
  const std::string text =
      is_fixed ? to_chars_text(value, std::chars_format::fixed, precision - 1 - exponent)
               : scientific;
  if (keep_point) return text;
  const std::string shortened = without_trailing_zeros(text);
  const bool is_bare = shows_point && shortened.find_first_of(".e") == std::string::npos;
  return is_bare ? shortened + ".0" : shortened;
}

int digit_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'z') return c - 'a' + 10;
  if (c >= 'A' && c <= 'Z') return c - 'A' + 10;
  return 99;
}

std::string_view trim_spaces(std::string_view text) {
  size_t begin = 0;
  while (begin < text.size()) {
    const Character c = character_at(text, begin);
    if (!is_space(c.code)) break;
    begin += c.size_bytes;
  }
  size_t end = text.size();
  while (end > begin) {
    const size_t start = previous_character(text, end);
    if (!is_space(character_at(text, start).code)) break;
    end = start;
  }
  return text.substr(begin, end - begin);
}

// The base that "0x", "0o" or "0b" names; 0 without one.
int prefix_base(std::string_view digits) {
  if (digits.size() < 2 || digits[0] != '0') return 0;
  switch (digits[1]) {
    case 'x':
    case 'X':
      return 16;
    case 'o':
    case 'O':
      return 8;
    case 'b':
    case 'B':
      return 2;
    default:
      return 0;
  }
}

}  // namespace

std::string integer_text(Integer value, int base) {
  __extension__ using Unsigned = unsigned __int128;
  Unsigned rest = value < 0 ? -static_cast<Unsigned>(value) : static_cast<Unsigned>(value);
  std::string text;
  do {
    text.push_back("0123456789abcdef"[static_cast<size_t>(rest % static_cast<Unsigned>(base))]);
    rest /= static_cast<Unsigned>(base);
  } while (rest != 0);
  if (value < 0) text.push_back('-');
  std::reverse(text.begin(), text.end());
  return text;
}

std::string real_text(double value) {
  if (!std::isfinite(value)) return not_finite_text(value);
  std::array<char, 64> buffer;
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value,
                                 std::chars_format::scientific);
  const std::string_view scientific(buffer.data(), static_cast<size_t>(end.ptr - buffer.data()));
  const size_t mark = scientific.find('e');
  int exponent = 0;
  std::from_chars(scientific.data() + mark + 2, end.ptr, exponent);
  if (scientific[mark + 1] == '-') exponent = -exponent;
  // Python's repr writes the exponent from 1e16 and below 1e-4.
  if (exponent < -4 || exponent >= 16) return std::string(scientific);
  const std::string_view mantissa = scientific.substr(0, mark);
  const int digit_count = static_cast<int>(
      std::count_if(mantissa.begin(), mantissa.end(), [](char c) { return c >= '0' && c <= '9'; }));
  return to_chars_text(value, std::chars_format::fixed, std::max(1, digit_count - 1 - exponent));
}

std::string real_text(double value, char conversion, int precision, bool keep_point) {
  const bool is_upper = conversion >= 'A' && conversion <= 'Z';
  const char kind = is_upper ? static_cast<char>(conversion - 'A' + 'a') : conversion;
  std::string text;
  if (!std::isfinite(value)) {
    text = not_finite_text(value);
  } else if (kind == 'g' || kind == 'r') {
    text = general_text(value, precision, keep_point, kind == 'r');
  } else {
    text = to_chars_text(
        value, kind == 'e' ? std::chars_format::scientific : std::chars_format::fixed, precision);
    if (keep_point && precision == 0) text.insert(std::min(text.find('e'), text.size()), 1, '.');
  }
  if (is_upper) {
    std::transform(text.begin(), text.end(), text.begin(), [](char c) {
      return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    });
  }
  return text;
}

std::optional<Integer> parse_integer(std::string_view text, int base) {
  if (base != 0 && (base < 2 || base > 36)) {
    fail(ErrorCode::invalid_argument, "int() base must be >= 2 and <= 36, or 0, got {}", base);
  }
  std::string_view digits = trim_spaces(text);
  const bool is_negative = digits.starts_with('-');
  if (is_negative || digits.starts_with('+')) digits.remove_prefix(1);
  const int named = prefix_base(digits);
  bool may_underscore = false;
  if (named != 0 && (base == 0 || base == named)) {
    base = named;
    digits.remove_prefix(2);
    may_underscore = true;
  } else if (base == 0) {
    // "010" is refused where the base is to be guessed; "000" is not.
    if (digits.size() > 1 && digits[0] == '0' &&
        digits.find_first_not_of("0_") != std::string::npos) {
      return std::nullopt;
    }
    base = 10;
  }
  if (digits.empty()) return std::nullopt;
  Integer value = 0;
  bool is_out_of_range = false;
  for (size_t i = 0; i < digits.size(); ++i) {
    if (digits[i] == '_') {
      if (!may_underscore || i + 1 == digits.size()) return std::nullopt;
      may_underscore = false;
      continue;
    }
    const int digit = digit_value(digits[i]);
    if (digit >= base) return std::nullopt;
    is_out_of_range = is_out_of_range || __builtin_mul_overflow(value, base, &value) ||
                      __builtin_sub_overflow(value, digit, &value);
    may_underscore = true;
  }
  if (!is_negative && !is_out_of_range)
    is_out_of_range = __builtin_sub_overflow(Integer{0}, value, &value);
  if (is_out_of_range) fail(ErrorCode::invalid_argument, "the integer '{}' is out of range", text);
  return value;
}

std::optional<double> parse_real(std::string_view text) {
  std::string digits;
  const std::string_view trimmed = trim_spaces(text);
  for (size_t i = 0; i < trimmed.size(); ++i) {
    const auto is_digit = [&](size_t at) {
      return at < trimmed.size() && trimmed[at] >= '0' && trimmed[at] <= '9';
    };
    if (trimmed[i] == '_') {
      if (i == 0 || !is_digit(i - 1) || !is_digit(i + 1)) return std::nullopt;
      continue;
    }
    digits.push_back(trimmed[i]);
  }
  std::string_view rest = digits;
  if (rest.starts_with('+')) rest.remove_prefix(1);
  const std::string_view unsigned_part = rest.starts_with('-') ? rest.substr(1) : rest;
  if (rest.empty() || (rest.data() != digits.data() && rest.starts_with('-'))) return std::nullopt;
  // from_chars takes "nan(…)", Python does not.
  if (unsigned_part.find('(') != std::string::npos) return std::nullopt;
  double value = 0;
  const auto end = std::from_chars(rest.data(), rest.data() + rest.size(), value);
  if (end.ptr != rest.data() + rest.size()) return std::nullopt;
  if (end.ec == std::errc::result_out_of_range) {
    // Too large becomes infinity, too small becomes zero: the exponent's sign tells which.
    const size_t exponent = rest.find_first_of("eE");
    const bool is_tiny =
        (exponent != std::string::npos && rest.find('-', exponent) != std::string::npos) ||
        unsigned_part.starts_with("0") || unsigned_part.starts_with(".");
    value = is_tiny ? 0.0 : HUGE_VAL;
    return rest.starts_with('-') ? -value : value;
  }
  if (end.ec != std::errc()) return std::nullopt;
  return value;
}

Integer truncate(double value) {
  if (std::isnan(value)) fail(ErrorCode::invalid_argument, "cannot convert float NaN to integer");
  if (std::isinf(value)) {
    fail(ErrorCode::invalid_argument, "cannot convert float infinity to integer");
  }
  if (std::abs(value) >= 0x1p127) {
    fail(ErrorCode::invalid_argument, "the integer {:g} is out of range", value);
  }
  return static_cast<Integer>(value);
}

double round_half_even(double value, int64_t digits) {
  if (!std::isfinite(value) || digits > 323) return value;
  if (digits < -308) return 0.0 * value;
  if (digits >= 0) {
    const std::string text =
        to_chars_text(value, std::chars_format::fixed, static_cast<int>(digits));
    double rounded = 0;
    std::from_chars(text.data(), text.data() + text.size(), rounded);
    return rounded;
  }
  const double unit = std::pow(10.0, static_cast<double>(-digits));
  return std::nearbyint(value / unit) * unit;
}

}  // namespace sparrow::jinja
