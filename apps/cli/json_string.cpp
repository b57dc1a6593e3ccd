#include "apps/cli/json_string.h"

#include <optional>

#include "base/error.h"
#include "base/utf8.h"

namespace sparrow::cli {
namespace {

bool is_high_surrogate(char32_t c) { return c >= 0xD800 && c < 0xDC00; }
bool is_low_surrogate(char32_t c) { return c >= 0xDC00 && c < 0xE000; }

class StringReader {
 public:
  StringReader(std::string_view line, std::string_view where) : line_(line), where_(where) {}

  std::string read() {
    skip_spaces();
    if (at_ == line_.size() || line_[at_] != '"')
      refuse("is no JSON string: it must begin with \"");
    ++at_;
    while (true) {
      const char c = next();
      if (c == '"') break;
      if (c == '\\') {
        read_escape();
      } else if (static_cast<unsigned char>(c) < 0x20) {
        refuse("has a control character in its string; it must be escaped");
      } else {
        text_ += c;
      }
    }
    skip_spaces();
    if (at_ != line_.size()) refuse("goes on after its JSON string");
    return std::move(text_);
  }

 private:
  [[noreturn]] void refuse(std::string_view what) const {
    fail(ErrorCode::invalid_argument, "{} {} (at byte {})", where_, what, at_);
  }
  void skip_spaces() {
    constexpr std::string_view kSpaces = " \t\r\n";
    while (at_ < line_.size() && kSpaces.find(line_[at_]) != std::string_view::npos) ++at_;
  }
  char next() {
    if (at_ == line_.size()) refuse("ends inside its JSON string");
    return line_[at_++];
  }

  // The four digits at `at`, if they are there.
  std::optional<char32_t> hexadecimal(size_t at) const {
    if (at + 4 > line_.size()) return std::nullopt;
    char32_t value = 0;
    for (const char c : line_.substr(at, 4)) {
      const char lower = static_cast<char>(c | 0x20);
      if (c >= '0' && c <= '9') {
        value = value * 16 + static_cast<char32_t>(c - '0');
      } else if (lower >= 'a' && lower <= 'f') {
        value = value * 16 + static_cast<char32_t>(lower - 'a' + 10);
      } else {
        return std::nullopt;
      }
    }
    return value;
  }

  void read_escape() {
    constexpr std::string_view kLetters = "\"\\/bfnrt";
    constexpr std::string_view kMeanings = "\"\\/\b\f\n\r\t";
    const char letter = next();
    if (letter != 'u') {
      const size_t index = kLetters.find(letter);
      if (index == std::string_view::npos) refuse("has an escape that JSON does not know");
      text_ += kMeanings[index];
      return;
    }
    const std::optional<char32_t> first = hexadecimal(at_);
    if (!first) refuse("has a \\u without four hexadecimal digits");
    at_ += 4;
    if (is_high_surrogate(*first) && line_.substr(at_, 2) == "\\u") {
      const std::optional<char32_t> second = hexadecimal(at_ + 2);
      if (second && is_low_surrogate(*second)) {
        at_ += 6;
        append_utf8(0x10000 + ((*first - 0xD800) << 10) + (*second - 0xDC00), text_);
        return;
      }
    }
    append_utf8(*first, text_);
  }

  std::string_view line_;
  std::string_view where_;
  size_t at_ = 0;
  std::string text_;
};

}  // namespace

std::string parse_json_string(std::string_view line, std::string_view where) {
  return StringReader(line, where).read();
}

}  // namespace sparrow::cli
