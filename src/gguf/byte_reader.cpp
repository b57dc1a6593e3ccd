#include "gguf/byte_reader.h"

namespace sparrow::gguf {

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
