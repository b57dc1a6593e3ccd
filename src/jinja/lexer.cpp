#include "jinja/lexer.h"

#include <algorithm>
#include <array>

#include "base/error.h"
#include "base/utf8.h"
#include "jinja/characters.h"
#include "jinja/number_text.h"
#include "jinja/strings.h"

namespace sparrow::jinja {
namespace {

constexpr std::array<std::string_view, 26> kSymbols = {
    "//", "**", "==", "!=", ">=", "<=", "+", "-", "/", "*", "%", "~", "[",
    "]",  "(",  ")",  "{",  "}",  ">",  "<", "=", ".", ":", "|", ",", ";"};

bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::string normalize_newlines(std::string_view source) {
  std::string text;
  text.reserve(source.size());
  for (size_t i = 0; i < source.size(); ++i) {
    if (source[i] != '\r') {
      text.push_back(source[i]);
      continue;
    }
    text.push_back('\n');
    if (i + 1 < source.size() && source[i + 1] == '\n') ++i;
  }
  if (text.ends_with('\n')) text.pop_back();
  return text;
}

size_t skip_spaces(std::string_view text, size_t at) {
  while (at < text.size()) {
    const Character c = character_at(text, at);
    if (!is_space(c.code)) break;
    at += c.size_bytes;
  }
  return at;
}

std::string_view without_trailing_spaces(std::string_view text) {
  while (!text.empty()) {
    const size_t start = previous_character(text, text.size());
    if (!is_space(character_at(text, start).code)) break;
    text = text.substr(0, start);
  }
  return text;
}

class Lexer {
 public:
  explicit Lexer(std::string source) : source_(std::move(source)) {}

  std::vector<Token> run() {
    while (at_ < source_.size()) read_data();
    add(TokenKind::end, at_, {});
    return std::move(tokens_);
  }

 private:
  [[noreturn]] void fail_at(size_t at, const std::string& message) {
    throw Error(ErrorCode::invalid_file, located(location(at), message));
  }

  // Tokens come in order, so the place is counted on from the last one.
  Location location(size_t at) {
    if (at < counted_to_) {
      counted_to_ = 0;
      counted_ = {};
    }
    while (counted_to_ < at) {
      const Character c = character_at(source_, counted_to_);
      if (c.code == '\n') {
        counted_ = {counted_.line + 1, 1};
      } else {
        ++counted_.column;
      }
      counted_to_ += c.size_bytes;
    }
    return counted_;
  }

  Token& add(TokenKind kind, size_t at, std::string text) {
    tokens_.push_back({.kind = kind, .at = location(at), .text = std::move(text)});
    return tokens_.back();
  }

  std::string_view rest(size_t from) const { return std::string_view(source_).substr(from); }

  // Text up to the next tag, and the tag.
  void read_data() {
    const size_t begin = at_;
    size_t tag = begin;
    while (true) {
      tag = source_.find('{', tag);
      if (tag == std::string::npos) {
        add(TokenKind::data, begin, source_.substr(begin));
        at_ = source_.size();
        return;
      }
      const char kind = tag + 1 < source_.size() ? source_[tag + 1] : '\0';
      if (kind == '{' || kind == '%' || kind == '#') break;
      ++tag;
    }
    const size_t raw_body = raw_tag_end(tag);
    const char sign = sign_at(tag + 2);
    add_data(begin, tag, sign, source_[tag + 1] == '{');
    if (raw_body != 0) return read_raw(tag, raw_body);
    at_ = tag + (sign == '\0' ? 2 : 3);
    if (source_[tag + 1] == '#') return skip_comment(tag);
    read_tag(tag, source_[tag + 1] == '{');
  }

  char sign_at(size_t at) const {
    const bool has_sign = at < source_.size() && (source_[at] == '-' || source_[at] == '+');
    return has_sign ? source_[at] : '\0';
  }

  // Text before a tag whose opening bears `sign`: '-' strips all white space before it, and unless
  // there is a '+', a block or comment alone on its line loses its indentation.
  void add_data(size_t begin, size_t end, char sign, bool is_variable) {
    std::string_view text = std::string_view(source_).substr(begin, end - begin);
    if (sign == '-') {
      text = without_trailing_spaces(text);
    } else if (sign != '+' && !is_variable) {
      const size_t newline = text.rfind('\n');
      const size_t line = newline == std::string::npos ? 0 : newline + 1;
      if ((line > 0 || is_line_start_) && skip_spaces(text, line) == text.size()) {
        text = text.substr(0, line);
      }
    }
    if (!text.empty()) add(TokenKind::data, begin, std::string(text));
  }

  // Where the body begins if `tag` opens a {% raw %} block, else 0.
  size_t raw_tag_end(size_t tag) const {
    if (source_[tag + 1] != '%') return 0;
    size_t at = tag + 2 + (sign_at(tag + 2) == '\0' ? 0 : 1);
    at = skip_spaces(source_, at);
    if (!rest(at).starts_with("raw")) return 0;
    at = skip_spaces(source_, at + 3);
    if (rest(at).starts_with("-%}")) return skip_spaces(source_, at + 3);
    return rest(at).starts_with("%}") ? at + 2 : 0;
  }

  void read_raw(size_t tag, size_t body) {
    is_line_start_ = source_[body - 1] == '\n';
    for (size_t end = source_.find("{%", body); end != std::string::npos;
         end = source_.find("{%", end + 1)) {
      const char sign = sign_at(end + 2);
      size_t at = skip_spaces(source_, end + (sign == '\0' ? 2 : 3));
      if (!rest(at).starts_with("endraw")) continue;
      at = skip_spaces(source_, at + 6);
      const size_t closed = closing_end(at, "%}", true, true);
      if (closed == 0) continue;
      add_data(body, end, sign, false);
      close_tag(closed);
      return;
    }
    fail_at(tag, "missing end of raw directive");
  }

  void skip_comment(size_t tag) {
    const size_t end = source_.find("#}", at_);
    if (end == std::string::npos) fail_at(tag, "missing end of comment tag");
    // The sign before the mark belongs to it.
    const bool has_sign = end > at_ && (source_[end - 1] == '-' || source_[end - 1] == '+');
    close_tag(closing_end(has_sign ? end - 1 : end, "#}", true, true));
  }

  // Behind the closing mark at `at`, with the white space it takes along; 0 if there is none.
  size_t closing_end(size_t at, std::string_view mark, bool takes_plus, bool trims_newline) const {
    if (source_[std::min(at, source_.size() - 1)] == '-' && rest(at + 1).starts_with(mark)) {
      return skip_spaces(source_, at + 1 + mark.size());
    }
    if (takes_plus && rest(at).starts_with('+') && rest(at + 1).starts_with(mark)) {
      return at + 1 + mark.size();
    }
    if (!rest(at).starts_with(mark)) return 0;
    const size_t end = at + mark.size();
    return trims_newline && rest(end).starts_with('\n') ? end + 1 : end;
  }

  void close_tag(size_t end) {
    at_ = end;
    is_line_start_ = source_[end - 1] == '\n';
  }

  void read_tag(size_t tag, bool is_variable) {
    add(is_variable ? TokenKind::variable_begin : TokenKind::block_begin, tag, {});
    brackets_.clear();
    while (at_ < source_.size()) {  // the parser says what a tag without an end lacks
      const size_t closed = brackets_.empty() ? closing_end(at_, is_variable ? "}}" : "%}",
                                                            !is_variable, !is_variable)
                                              : 0;
      if (closed != 0) {
        add(is_variable ? TokenKind::variable_end : TokenKind::block_end, at_, {});
        close_tag(closed);
        return;
      }
      read_token();
    }
  }

  void read_token() {
    const Character c = character_at(source_, at_);
    if (is_space(c.code)) {
      at_ += c.size_bytes;
    } else if (is_digit(source_[at_])) {
      read_number();
    } else if (c.code < kInvalidByte && is_word(c.code)) {
      read_name();
    } else if (c.code == '\'' || c.code == '"') {
      read_string();
    } else {
      read_symbol();
    }
  }

  void read_name() {
    const size_t begin = at_;
    while (at_ < source_.size()) {
      const Character c = character_at(source_, at_);
      if (c.code >= kInvalidByte || !is_word(c.code)) break;
      at_ += c.size_bytes;
    }
    if (!is_identifier(rest(begin).substr(0, at_ - begin))) {
      fail_at(begin, "invalid character in identifier");
    }
    add(TokenKind::name, begin, source_.substr(begin, at_ - begin));
  }

  void read_symbol() {
    const auto* symbol = std::find_if(kSymbols.begin(), kSymbols.end(),
                                      [&](std::string_view s) { return rest(at_).starts_with(s); });
    if (symbol == kSymbols.end()) {
      fail_at(at_, fmt::format("unexpected character '{}'",
                               source_.substr(at_, character_at(source_, at_).size_bytes)));
    }
    track_bracket(symbol->front());
    add(TokenKind::symbol, at_, std::string(*symbol));
    at_ += symbol->size();
  }

  // While a bracket is open, }} and %} are read as operators.
  void track_bracket(char symbol) {
    if (symbol == '(') brackets_.push_back(')');
    if (symbol == '[') brackets_.push_back(']');
    if (symbol == '{') brackets_.push_back('}');
    if (symbol != ')' && symbol != ']' && symbol != '}') return;
    if (brackets_.empty()) fail_at(at_, fmt::format("unexpected '{}'", symbol));
    if (brackets_.back() != symbol) {
      fail_at(at_, fmt::format("unexpected '{}', expected '{}'", symbol, brackets_.back()));
    }
    brackets_.pop_back();
  }

  // Digits with single underscores between them.
  size_t digits_end(size_t at) const {
    while (at < source_.size() &&
           (is_digit(source_[at]) ||
            (source_[at] == '_' && at + 1 < source_.size() && is_digit(source_[at + 1])))) {
      ++at;
    }
    return at;
  }

  void read_number() {
    const size_t begin = at_;
    const size_t whole = digits_end(begin);
    size_t end = whole;
    const auto starts_digit = [&](size_t at) {
      return at < source_.size() && is_digit(source_[at]);
    };
    const bool may_be_real = begin == 0 || source_[begin - 1] != '.';
    if (may_be_real && rest(end).starts_with('.') && starts_digit(end + 1))
      end = digits_end(end + 1);
    if (may_be_real && (rest(end).starts_with('e') || rest(end).starts_with('E'))) {
      const size_t sign = end + 1;
      const size_t digits =
          sign + (rest(sign).starts_with('+') || rest(sign).starts_with('-') ? 1 : 0);
      if (starts_digit(digits)) end = digits_end(digits);
    }
    if (end != whole) {
      at_ = end;
      add(TokenKind::real, begin, {}).real =
          parse_real(source_.substr(begin, end - begin)).value_or(0);
      return;
    }
    read_integer(begin, whole);
  }

  void read_integer(size_t begin, size_t decimal_end) {
    size_t end = decimal_end;
    // "007" is three numbers to Jinja and a syntax error to the parser; "000" is one.
    if (source_[begin] == '0') {
      end = begin + 1;
      while (end < decimal_end &&
             (source_[end] == '0' || (source_[end] == '_' && source_[end + 1] == '0')))
        ++end;
    }
    const size_t prefixed = prefixed_integer_end(begin);
    if (prefixed != 0) end = prefixed;
    std::optional<Integer> value;
    try {
      value = parse_integer(source_.substr(begin, end - begin), 0);
    } catch (const Error& error) {
      fail_at(begin, error.what());
    }
    at_ = end;
    add(TokenKind::integer, begin, {}).integer = value.value_or(0);
  }

  // Behind 0x1f, 0b1 or 0o7; 0 if there is none.
  size_t prefixed_integer_end(size_t begin) const {
    if (source_[begin] != '0' || begin + 2 >= source_.size()) return 0;
    const char letter = static_cast<char>(source_[begin + 1] | 0x20);
    const std::string_view digits = letter == 'x'   ? "0123456789abcdefABCDEF"
                                    : letter == 'o' ? "01234567"
                                    : letter == 'b' ? "01"
                                                    : "";
    const auto is_one = [&](size_t at) {
      return at < source_.size() && digits.find(source_[at]) != std::string::npos;
    };
    size_t at = begin + 2;
    while (is_one(at) || (at < source_.size() && source_[at] == '_' && is_one(at + 1))) ++at;
    return digits.empty() || at == begin + 2 ? 0 : at;
  }

  void read_string() {
    const size_t begin = at_;
    const char quote = source_[begin];
    std::string text;
    size_t at = begin + 1;
    while (true) {
      if (at >= source_.size())
        fail_at(begin, fmt::format("unexpected character '{}': the string does not end", quote));
      if (source_[at] == quote) break;
      if (source_[at] == '\\') {
        at = read_escape(at, text);
      } else {
        text.push_back(source_[at++]);
      }
    }
    at_ = at + 1;
    add(TokenKind::string, begin, std::move(text));
  }

  // The escape at the backslash `at`, as Python's unicode-escape codec reads it; where it ends.
  size_t read_escape(size_t at, std::string& out) {
    if (at + 1 >= source_.size()) fail_at(at, "the string ends in a backslash");
    const char letter = source_[at + 1];
    constexpr std::string_view kSimple = "\\\\''\"\"a\ab\bf\fn\nr\rt\tv\v";
    for (size_t i = 0; i < kSimple.size(); i += 2) {
      if (kSimple[i] != letter) continue;
      out.push_back(kSimple[i + 1]);
      return at + 2;
    }
    if (letter == '\n') return at + 2;  // a line that goes on
    if (letter >= '0' && letter <= '7') return read_code(at, at + 1, 1, 3, 8, out);
    if (letter == 'x') return read_code(at, at + 2, 2, 2, 16, out);
    if (letter == 'u') return read_code(at, at + 2, 4, 4, 16, out);
    if (letter == 'U') return read_code(at, at + 2, 8, 8, 16, out);
    if (letter == 'N') fail_at(at, "characters by name (\\N{…}) are not supported; write \\uXXXX");
    out.push_back('\\');
    return at + 1;
  }

  size_t read_code(size_t escape, size_t at, int least, int most, uint32_t base, std::string& out) {
    uint32_t code = 0;
    int count = 0;
    for (; count < most && at < source_.size(); ++count, ++at) {
      const char c = source_[at];
      const int digit = is_digit(c)            ? c - '0'
                        : c >= 'a' && c <= 'f' ? c - 'a' + 10
                        : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                               : 99;
      if (digit >= static_cast<int>(base)) break;
      code = code * base + static_cast<uint32_t>(digit);
    }
    if (count < least) fail_at(escape, fmt::format("truncated escape; it needs {} digits", least));
    if (code > 0x10FFFF) fail_at(escape, "illegal Unicode character");
    if (code >= 0xD800 && code <= 0xDFFF) fail_at(escape, "half a surrogate pair is no character");
    append_character(out, code);
    return at;
  }

  const std::string source_;
  size_t at_ = 0;
  bool is_line_start_ = true;  // whether text at at_ begins a line
  std::string brackets_;       // the closing ones awaited
  std::vector<Token> tokens_;
  size_t counted_to_ = 0;
  Location counted_;
};

}  // namespace

std::vector<Token> tokenize(std::string_view source) {
  if (!is_valid_utf8(source)) {
    size_t at = 0;
    while (character_at(source, at).code < kInvalidByte) at += character_at(source, at).size_bytes;
    fail(ErrorCode::invalid_file, "the template is not UTF-8 at byte {}", at);
  }
  return Lexer(normalize_newlines(source)).run();
}

std::string located(Location at, std::string_view message) {
  return fmt::format("line {}, column {}: {}", at.line, at.column, message);
}

}  // namespace sparrow::jinja
