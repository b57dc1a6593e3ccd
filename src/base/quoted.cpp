#include "base/quoted.h"

#include <fmt/format.h>

#include "base/utf8.h"

namespace sparrow {
namespace {

std::string printable(std::string_view text) {
  const bool is_text = is_valid_utf8(text);
  std::string result;
  for (size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const auto next = static_cast<unsigned char>(i + 1 < text.size() ? text[i + 1] : '\0');
    // U+0080 to U+009F are control characters of two bytes.
    const bool is_control = byte < 0x20 || byte == 0x7f || (byte == 0xc2 && next < 0xa0);
    if (!is_control && (byte < 0x80 || is_text)) {
      result += text[i];
      continue;
    }
    result += fmt::format("\\x{:02x}", byte);
    if (is_text && byte == 0xc2)
      result += fmt::format("\\x{:02x}", static_cast<unsigned char>(text[++i]));
  }
  return result;
}

}  // namespace

std::string quoted_text(std::string_view text) {
  constexpr size_t kShown = 96;
  if (text.size() <= kShown) return fmt::format("'{}'", printable(text));
  size_t end = kShown;  // not in the middle of a character
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
  return fmt::format("'{}…'", printable(text.substr(0, end)));
}

}  // namespace sparrow
