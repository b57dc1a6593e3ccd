// "%5.2f" % x, as Python's str does it.
#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "jinja/characters.h"
#include "jinja/format.h"
#include "jinja/number_text.h"
#include "jinja/operators.h"
#include "jinja/strings.h"
#include "jinja/value_text.h"

namespace sparrow::jinja {
namespace {

struct Conversion {
  bool is_left = false, has_plus = false, has_space = false, has_alternate = false,
       has_zeros = false;
  int64_t width = 0;
  int64_t precision = -1;
  char letter = 's';
};

class PercentFormatter {
 public:
  PercentFormatter(Runtime& runtime, const Value& pattern, const Value& arguments)
      : runtime_(runtime), pattern_(pattern), text_(pattern.as_text()), arguments_(arguments) {}

  Value run() {
    size_t at = 0;
    while (true) {
      const size_t percent = std::min(text_.view().find('%', at), text_.size());
      result_.append(text_, at, percent);
      if (percent == text_.size()) break;
      at = convert(percent + 1);
    }
    const bool is_list = arguments_.is(Kind::tuple);
    const size_t given = is_list ? arguments_.items().size() : 1;
    // A mapping or a list may go unused; any other value may not.
    if ((is_list ? next_ < given : next_ == 0 && !used_mapping_ && !is_mapping())) {
      fail(ErrorCode::invalid_argument, "not all arguments converted during string formatting");
    }
    return runtime_.make_string(std::move(result_), pattern_.is_markup());
  }

 private:
  bool is_mapping() const {
    return arguments_.is(Kind::dict) || arguments_.is(Kind::list) || arguments_.is_undefined();
  }

  char peek(size_t at) const {
    if (at >= text_.size()) fail(ErrorCode::invalid_argument, "incomplete format");
    return text_.view()[at];
  }

  const Value& next_argument() {
    const bool is_list = arguments_.is(Kind::tuple);
    if (next_ >= (is_list ? arguments_.items().size() : 1)) {
      fail(ErrorCode::invalid_argument, "not enough arguments for format string");
    }
    return is_list ? arguments_.items()[next_++] : (++next_, arguments_);
  }

  // Behind the % sign; gives where the conversion ends.
  size_t convert(size_t at) {
    std::optional<Value> named;
    if (peek(at) == '(') {
      const size_t close = closing_parenthesis(at);
      named = mapped(text_.slice(at + 1, close));
      at = close + 1;
    }
    Conversion conversion;
    at = read_flags(at, conversion);
    at = read_number(at, conversion.width);
    if (conversion.width < 0) {
      conversion.is_left = true;
      conversion.width = -conversion.width;
    }
    if (peek(at) == '.') {
      conversion.precision = 0;
      at = read_number(at + 1, conversion.precision);
      conversion.precision = std::max<int64_t>(conversion.precision, 0);
    }
    while (peek(at) == 'h' || peek(at) == 'l' || peek(at) == 'L') ++at;
    conversion.letter = peek(at);
    if (conversion.letter == '%') {
      pad(Text("%", text_.is_from_template(at)), conversion);
      return at + 1;
    }
    const Value& value = named ? *named : next_argument();
    write(value, conversion);
    return at + 1;
  }

  size_t closing_parenthesis(size_t at) const {
    int depth = 0;
    for (; at < text_.size(); ++at) {
      if (text_.view()[at] == '(') ++depth;
      if (text_.view()[at] == ')' && --depth == 0) return at;
    }
    fail(ErrorCode::invalid_argument, "incomplete format key");
  }

  Value mapped(const Text& key) {
    if (!arguments_.is(Kind::dict)) fail(ErrorCode::invalid_argument, "format requires a mapping");
    used_mapping_ = true;
    const Value* value = arguments_.as_dict().find(key.view());
    if (value == nullptr)
      fail(ErrorCode::invalid_argument, "the mapping has no key '{}'", key.view());
    return *value;
  }

  size_t read_flags(size_t at, Conversion& conversion) const {
    for (;; ++at) {
      switch (peek(at)) {
        case '-':
          conversion.is_left = true;
          break;
        case '+':
          conversion.has_plus = true;
          break;
        case ' ':
          conversion.has_space = true;
          break;
        case '#':
          conversion.has_alternate = true;
          break;
        case '0':
          conversion.has_zeros = true;
          break;
        default:
          return at;
      }
    }
  }

  size_t read_number(size_t at, int64_t& number) {
    if (peek(at) == '*') {
      number = small_integer(next_argument());
      return at + 1;
    }
    while (peek(at) >= '0' && peek(at) <= '9') {
      number = std::min<int64_t>(number * 10 + (peek(at) - '0'), int64_t{1} << 40);
      ++at;
    }
    return at;
  }

  void write(const Value& value, const Conversion& conversion) {
    switch (conversion.letter) {
      case 's':
        return pad(
            cut(pattern_.is_markup() ? escape_markup(runtime_, value) : runtime_.text_of(value),
                conversion),
            conversion);
      case 'r':
        runtime_.spend(value.weight());
        return pad(cut(Text(repr(value, runtime_.limits().text_bytes), false), conversion),
                   conversion);
      case 'a':
        runtime_.spend(value.weight());
        return pad(cut(Text(ascii_repr(value, runtime_.limits().text_bytes), false), conversion),
                   conversion);
      case 'c':
        return pad(character(value), conversion);
      case 'd':
      case 'i':
      case 'u':
      case 'x':
      case 'X':
      case 'o':
        return write_integer(value, conversion);
      case 'e':
      case 'E':
      case 'f':
      case 'F':
      case 'g':
      case 'G':
        return write_real(value, conversion);
      default:
        fail(ErrorCode::invalid_argument, "unsupported format character '{}'", conversion.letter);
    }
  }

  static Text cut(Text text, const Conversion& conversion) {
    if (conversion.precision >= 0) text.truncate(byte_offset(text.view(), conversion.precision));
    return text;
  }

  static Text character(const Value& value) {
    if (value.is_string() && character_count(value.as_view()) == 1) return value.as_text();
    if (!value.is(Kind::integer) && !value.is(Kind::boolean)) {
      fail(ErrorCode::invalid_argument, "%c requires int or char");
    }
    const int64_t code = small_integer(value);
    if (code < 0 || code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF)) {
      fail(ErrorCode::invalid_argument, "%c arg not in range(0x110000)");
    }
    std::string bytes;
    append_character(bytes, static_cast<char32_t>(code));
    return Text(std::move(bytes), false);
  }

  void write_integer(const Value& value, const Conversion& conversion) {
    if (value.is_undefined()) fail(ErrorCode::invalid_argument, "{}", value.undefined_reason());
    const bool is_decimal =
        conversion.letter == 'd' || conversion.letter == 'i' || conversion.letter == 'u';
    if (!value.is_number() || (!is_decimal && value.is(Kind::real))) {
      fail(ErrorCode::invalid_argument, "%{} format: a real number is required, not {}",
           conversion.letter, type_name(value));
    }
    const Integer number = value.is(Kind::real) ? truncate(value.as_real()) : value.as_integer();
    const int base = conversion.letter == 'o' ? 8 : is_decimal ? 10 : 16;
    std::string digits = integer_text(number, base);
    const bool is_negative = digits.starts_with('-');
    if (is_negative) digits.erase(0, 1);
    runtime_.spend_text(static_cast<size_t>(std::max<int64_t>(conversion.precision, 0)));
    if (static_cast<int64_t>(digits.size()) < conversion.precision) {
      digits.insert(0, static_cast<size_t>(conversion.precision) - digits.size(), '0');
    }
    std::string prefix = is_negative            ? "-"
                         : conversion.has_plus  ? "+"
                         : conversion.has_space ? " "
                                                : "";
    if (conversion.has_alternate && base != 10) prefix += base == 8 ? "0o" : "0x";
    std::string text = digits;
    if (conversion.letter == 'X') {
      std::transform(text.begin(), text.end(), text.begin(),
                     [](char c) { return c >= 'a' ? static_cast<char>(c - 32) : c; });
      std::replace(prefix.begin(), prefix.end(), 'x', 'X');
    }
    pad_number(prefix, text, conversion);
  }

  void write_real(const Value& value, const Conversion& conversion) {
    if (value.is_undefined()) fail(ErrorCode::invalid_argument, "{}", value.undefined_reason());
    if (!value.is_number())
      fail(ErrorCode::invalid_argument, "must be real number, not {}", type_name(value));
    const int64_t precision =
        conversion.precision < 0 ? 6 : std::min<int64_t>(conversion.precision, 1 << 20);
    std::string text = real_text(value.as_real(), conversion.letter, static_cast<int>(precision),
                                 conversion.has_alternate);
    std::string prefix;
    if (text.starts_with('-')) {
      prefix = "-";
      text.erase(0, 1);
    } else if (conversion.has_plus) {
      prefix = "+";
    } else if (conversion.has_space) {
      prefix = " ";
    }
    pad_number(prefix, text, conversion);
  }

  void pad_number(const std::string& prefix, const std::string& digits,
                  const Conversion& conversion) {
    std::string text = prefix;
    const int64_t missing = conversion.width - static_cast<int64_t>(prefix.size() + digits.size());
    if (conversion.has_zeros && !conversion.is_left && missing > 0) {
      runtime_.spend_text(static_cast<size_t>(missing));
      text.append(static_cast<size_t>(missing), '0');
    }
    pad(Text(text + digits, false), conversion);
  }

  void pad(const Text& text, const Conversion& conversion) {
    const int64_t missing = conversion.width - character_count(text.view());
    std::string spaces;
    if (missing > 0) {
      runtime_.spend_text(static_cast<size_t>(missing));
      spaces.assign(static_cast<size_t>(missing), ' ');
    }
    if (!conversion.is_left) result_.append(spaces, false);
    result_.append(text);
    if (conversion.is_left) result_.append(spaces, false);
    runtime_.spend_text(result_.size() > runtime_.limits().text_bytes ? result_.size() : 0);
  }

  Runtime& runtime_;
  const Value& pattern_;
  const Text& text_;
  const Value& arguments_;
  Text result_;
  size_t next_ = 0;
  bool used_mapping_ = false;
};

}  // namespace

Value format_percent(Runtime& runtime, const Value& pattern, const Value& arguments) {
  runtime.spend(pattern.weight());
  return PercentFormatter(runtime, pattern, arguments).run();
}

}  // namespace sparrow::jinja
