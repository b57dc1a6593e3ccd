#include "gguf/byte_reader.h"

#include "base/utf8.h"

namespace sparrow::gguf {

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

std::string quoted(std::string_view text) {
  constexpr size_t kShown = 96;
  if (text.size() <= kShown) return fmt::format("'{}'", printable(text));
  size_t end = kShown;  // not in the middle of a character
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
  return fmt::format("'{}…'", printable(text.substr(0, end)));
}

const std::byte* ByteReader::take(uint64_t count, std::string_view field) {
  if (count > remaining_bytes()) {
    refuse(position_, field, "needs {} bytes, but the file ends after {} more: it is cut short",
           count, remaining_bytes());
  }
  const std::byte* start = bytes_.data() + position_;
  position_ += count;
  return start;
}

std::string_view ByteReader::string(uint64_t limit, std::string_view field) {
  const uint64_t start = position_;
  const auto length = number<uint64_t>(field);
  if (length > limit) refuse(start, field, "is {} bytes long; at most {} are read", length, limit);
  return {reinterpret_cast<const char*>(take(length, field)), static_cast<size_t>(length)};
}

}  // namespace sparrow::gguf
