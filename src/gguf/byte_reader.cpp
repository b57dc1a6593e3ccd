#include "gguf/byte_reader.h"

#include "gguf/utf8.h"

namespace sparrow::gguf {

std::string quoted(std::string_view text) {
  constexpr size_t kShown = 96;
  const bool is_text = is_valid_utf8(text);
  size_t end = std::min(text.size(), kShown);
  // Not in the middle of a character.
  while (is_text && end < text.size() && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80)
    --end;
  std::string result = "'";
  for (const char c : text.substr(0, end)) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f || (byte >= 0x80 && !is_text)) {
      result += fmt::format("\\x{:02x}", byte);
    } else {
      result += c;
    }
  }
  result += end < text.size() ? "…'" : "'";
  return result;
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
