// format(value, specification): the mini-language of Python's formatted strings.
#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "jinja/characters.h"
#include "jinja/format.h"
#include "jinja/number_text.h"

namespace sparrow::jinja {
namespace {

struct Specification {
  std::string fill = " ";
  char align = '\0';  // < > = ^, or none
  char sign = '-';    // - + or a space
  bool has_alternate = false;
  bool has_zeros = false;
  int64_t width = 0;
  char grouping = '\0';  // , or _
  int64_t precision = -1;
  char type = '\0';
};

bool is_align(char c) { return c == '<' || c == '>' || c == '=' || c == '^'; }

Specification parse_specification(std::string_view text) {
  Specification result;
  size_t at = 0;
  const auto peek = [&] { return at < text.size() ? text[at] : '\0'; };
  const auto number = [&] {
    int64_t value = 0;
    while (peek() >= '0' && peek() <= '9')
      value = std::min<int64_t>(value * 10 + (text[at++] - '0'), int64_t{1} << 40);
    return value;
  };
  const size_t fill_size = text.empty() ? 0 : character_at(text, 0).size_bytes;
  if (fill_size > 0 && fill_size < text.size() && is_align(text[fill_size])) {
    result.fill = text.substr(0, fill_size);
    result.align = text[fill_size];
    at = fill_size + 1;
  } else if (is_align(peek())) {
    result.align = text[at++];
  }
  if (peek() == '+' || peek() == '-' || peek() == ' ') result.sign = text[at++];
  if (peek() == 'z') ++at;  // no negative zero: left as it is
  if (peek() == '#') result.has_alternate = ++at > 0;
  if (peek() == '0') {
    ++at;
    result.has_zeros = true;
    if (result.align == '\0') {
      result.fill = std::string(1, '0');
      result.align = '=';
    }
  }
  result.width = number();
  if (peek() == ',' || peek() == '_') result.grouping = text[at++];
  if (peek() == '.') {
    ++at;
    if (peek() < '0' || peek() > '9')
      fail(ErrorCode::invalid_argument, "format specifier missing precision");
    result.precision = number();
  }
  if (at < text.size()) result.type = text[at++];
  if (at != text.size()) fail(ErrorCode::invalid_argument, "invalid format specifier '{}'", text);
  return result;
}

// `text` in its field; `prefix_size` bytes of it stay left of a '=' filling.
Text aligned(Runtime& runtime, const Text& text, const Specification& spec, char align,
             size_t prefix_size) {
  const int64_t missing = std::max<int64_t>(0, spec.width - character_count(text.view()));
  if (missing > static_cast<int64_t>(runtime.limits().text_bytes))
    runtime.spend_text(static_cast<size_t>(missing));
  runtime.spend_text(static_cast<size_t>(missing) * spec.fill.size());
  const auto filling = [&](int64_t count) {
    std::string fill;
    for (int64_t i = 0; i < count; ++i) fill += spec.fill;
    return fill;
  };
  const int64_t left = align == '>'   ? missing
                       : align == '^' ? missing / 2
                       : align == '=' ? missing
                                      : 0;
  Text result;
  const size_t head = align == '=' ? prefix_size : 0;
  result.append(text, 0, head);
  result.append(filling(left), false);
  result.append(text, head, text.size());
  result.append(filling(missing - left), false);
  return result;
}

// Digits with a separator every three (decimal) or four.
std::string grouped(const std::string& digits, char separator, size_t group) {
  std::string result;
  for (size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && (digits.size() - i) % group == 0) result.push_back(separator);
    result.push_back(digits[i]);
  }
  return result;
}

std::string sign_of(bool is_negative, char sign) {
  if (is_negative) return std::string(1, '-');
  return sign == '-' ? std::string() : std::string(1, sign);
}

std::string group_whole_part(std::string text, const Specification& spec, size_t group) {
  if (spec.grouping == '\0') return text;
  const size_t end = std::min(text.find_first_not_of("0123456789abcdefABCDEF"), text.size());
  std::string whole = text.substr(0, end);
  // Zeros that fill the field are grouped as well.
  return grouped(whole, spec.grouping, group) + text.substr(end);
}

Text format_number(Runtime& runtime, bool is_negative, const std::string& prefix,
                   std::string digits, const Specification& spec, size_t group) {
  const std::string head = sign_of(is_negative, spec.sign) + prefix;
  if (spec.grouping != '\0' && spec.fill == "0" && spec.align == '=') {
    runtime.spend_text(static_cast<size_t>(spec.width));
    std::string whole = group_whole_part(digits, spec, group);
    while (static_cast<int64_t>(head.size() + whole.size()) < spec.width) {
      digits.insert(0, 1, '0');
      whole = group_whole_part(digits, spec, group);
      runtime.spend(1 + static_cast<int64_t>(whole.size() / 16));
    }
    return Text(head + whole, false);
  }
  const std::string text = head + group_whole_part(std::move(digits), spec, group);
  return aligned(runtime, Text(text, false), spec, spec.align == '\0' ? '>' : spec.align,
                 head.size());
}

Text format_integer(Runtime& runtime, const Value& value, const Specification& spec) {
  if (spec.precision >= 0)
    fail(ErrorCode::invalid_argument, "precision not allowed in integer format specifier");
  if (spec.type == 'c') {
    std::string bytes;
    const int64_t code = small_integer(value);
    if (code < 0 || code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF))
      fail(ErrorCode::invalid_argument, "%c arg not in range(0x110000)");
    append_character(bytes, static_cast<char32_t>(code));
    return aligned(runtime, Text(bytes, false), spec, spec.align == '\0' ? '<' : spec.align, 0);
  }
  const int base = spec.type == 'x' || spec.type == 'X' ? 16
                   : spec.type == 'o'                   ? 8
                   : spec.type == 'b'                   ? 2
                                                        : 10;
  std::string digits = integer_text(value.as_integer(), base);
  const bool is_negative = digits.starts_with('-');
  if (is_negative) digits.erase(0, 1);
  std::string prefix;
  if (spec.has_alternate && base != 10) prefix = {'0', spec.type};
  if (spec.type == 'X') {
    std::transform(digits.begin(), digits.end(), digits.begin(),
                   [](char c) { return c >= 'a' ? static_cast<char>(c - 32) : c; });
  }
  return format_number(runtime, is_negative, prefix, std::move(digits), spec, base == 10 ? 3 : 4);
}

Text format_real(Runtime& runtime, double value, const Specification& spec) {
  const int precision =
      spec.precision < 0 ? 6 : static_cast<int>(std::min<int64_t>(spec.precision, 1 << 20));
  std::string digits;
  switch (spec.type) {
    case '\0':
      if (spec.precision < 0) {
        digits = real_text(value);
      } else {
        digits = real_text(value, 'r', precision, spec.has_alternate);
      }
      break;
    case '%':
      digits = real_text(value * 100, 'f', precision, spec.has_alternate) + "%";
      break;
    case 'n':
      digits = real_text(value, 'g', precision, spec.has_alternate);
      break;
    default:
      digits = real_text(value, spec.type, precision, spec.has_alternate);
  }
  const bool is_negative = digits.starts_with('-');
  if (is_negative) digits.erase(0, 1);
  return format_number(runtime, is_negative, "", std::move(digits), spec, 3);
}

[[noreturn]] void fail_type(char type, const Value& value) {
  fail(ErrorCode::invalid_argument, "unknown format code '{}' for object of type '{}'", type,
       type_name(value));
}

}  // namespace

Text format_value(Runtime& runtime, const Value& value, std::string_view specification) {
  if (specification.empty()) return runtime.text_of(value);
  if (!value.is_number() && !value.is_string()) {
    fail(ErrorCode::invalid_argument, "unsupported format string passed to {}.__format__",
         type_name(value));
  }
  const Specification spec = parse_specification(specification);
  if (value.is_string()) {
    if (spec.type != '\0' && spec.type != 's') fail_type(spec.type, value);
    if (spec.align == '=' && !spec.has_zeros)
      fail(ErrorCode::invalid_argument, "'=' alignment not allowed in string format specifier");
    Text text = value.as_text();
    if (spec.precision >= 0) text.truncate(byte_offset(text.view(), spec.precision));
    return aligned(runtime, text, spec, spec.align == '\0' || spec.align == '=' ? '<' : spec.align,
                   0);
  }
  constexpr std::string_view kRealTypes = "eEfFgG%";
  constexpr std::string_view kIntegerTypes = "bcdoxXn";
  const bool wants_real = spec.type != '\0' && kRealTypes.find(spec.type) != std::string::npos;
  if (value.is(Kind::real) || wants_real) {
    if (!wants_real && spec.type != '\0' && spec.type != 'n') fail_type(spec.type, value);
    return format_real(runtime, value.as_real(), spec);
  }
  if (spec.type != '\0' && kIntegerTypes.find(spec.type) == std::string::npos)
    fail_type(spec.type, value);
  return format_integer(runtime, value, spec);
}

}  // namespace sparrow::jinja
