// UTF-8: reading, writing, and repairing it as Python's errors='replace' does.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace sparrow {

inline constexpr char32_t kReplacementCharacter = 0xFFFD;

// One character, or the bytes that one U+FFFD stands for.
struct Utf8Character {
  char32_t code_point;
  uint32_t size_bytes;  // consumed, 1 to 4
  bool is_valid;
};

// The character that begins at `at`, which must be inside `text`. Ill-formed bytes are taken as far
// as they could begin a character ("maximal subpart", Unicode 16 section 3.9, table 3-7).
Utf8Character decode_utf8(std::string_view text, size_t at);

// The same for text known to be valid: `at` points at its first byte. `size_bytes` receives 1 to 4.
inline char32_t decode_valid_utf8(const char* at, uint32_t& size_bytes) {
  const auto byte = [at](int i) {
    return static_cast<uint32_t>(static_cast<unsigned char>(at[i]));
  };
  const uint32_t first = byte(0);
  if (first < 0x80) {
    size_bytes = 1;
    return first;
  }
  if (first < 0xE0) {
    size_bytes = 2;
    return (first & 0x1F) << 6 | (byte(1) & 0x3F);
  }
  if (first < 0xF0) {
    size_bytes = 3;
    return (first & 0x0F) << 12 | (byte(1) & 0x3F) << 6 | (byte(2) & 0x3F);
  }
  size_bytes = 4;
  return (first & 0x07) << 18 | (byte(1) & 0x3F) << 12 | (byte(2) & 0x3F) << 6 | (byte(3) & 0x3F);
}

// `code_point` is a scalar value: below 0x110000 and no surrogate.
void append_utf8(char32_t code_point, std::string& text);

bool is_valid_utf8(std::string_view text);

// Every maximal subpart of an ill-formed sequence becomes one U+FFFD.
std::string repair_utf8(std::string_view text);

// How many bytes at the end begin a character that more bytes could complete: 0 to 3.
size_t unfinished_utf8_bytes(std::string_view text);

}  // namespace sparrow
