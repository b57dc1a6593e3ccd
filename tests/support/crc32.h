// CRC-32 as zlib computes it: to compare a million values with one number of a script.
#pragma once

#include <cstdint>
#include <string_view>

namespace sparrow::test {

inline uint32_t crc32(std::string_view bytes) {
  uint32_t crc = 0xFFFFFFFF;
  for (const char c : bytes) {
    crc ^= static_cast<unsigned char>(c);
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ (crc & 1 ? 0xEDB88320 : 0);
  }
  return ~crc;
}

}  // namespace sparrow::test
