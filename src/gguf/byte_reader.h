// Reads little-endian numbers and strings one after the other from the bytes of a file, never
// beyond their end, and words the errors: which file, which field, at which byte.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/quoted.h"

namespace sparrow::gguf {

// Used by one thread, while a file is read.
class ByteReader {
 public:
  // `name` is the file in messages. Both must outlive the reader.
  ByteReader(std::span<const std::byte> bytes, const std::string& name)
      : bytes_(bytes), name_(name) {}

  uint64_t position() const { return position_; }
  uint64_t size_bytes() const { return bytes_.size(); }
  uint64_t remaining_bytes() const { return bytes_.size() - position_; }
  const std::byte* data() const { return bytes_.data(); }
  const std::string& name() const { return name_; }

  // A number of exactly this width. `field` stands in the message if the file ends first.
  template <typename T>
  T number(std::string_view field) {
    T value;
    std::memcpy(&value, take(sizeof(T), field), sizeof(T));
    return value;
  }

  // `count` bytes, in place.
  const std::byte* take(uint64_t count, std::string_view field);

  // A 64-bit length of at most `limit` and as many bytes.
  std::string_view string(uint64_t limit, std::string_view field);

  // "FILE: FIELD at byte OFFSET: " and the formatted rest.
  template <typename... Args>
  [[noreturn]] void fail_at(uint64_t offset, std::string_view field, ErrorCode code,
                            fmt::format_string<Args...> format, Args&&... args) const {
    throw Error(code, fmt::format("{}: {} at byte {}: {}", name_, field, offset,
                                  fmt::format(format, std::forward<Args>(args)...)));
  }
  template <typename... Args>
  [[noreturn]] void refuse(uint64_t offset, std::string_view field,
                           fmt::format_string<Args...> format, Args&&... args) const {
    fail_at(offset, field, ErrorCode::invalid_file, format, std::forward<Args>(args)...);
  }

 private:
  std::span<const std::byte> bytes_;
  const std::string& name_;
  uint64_t position_ = 0;
};

}  // namespace sparrow::gguf
