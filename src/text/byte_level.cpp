#include "text/byte_level.h"

#include "base/utf8.h"

namespace sparrow {
namespace {

// The printable bytes stand for themselves; the others, in order, are U+0100 and up.
constexpr bool stands_for_itself(int byte) {
  return (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
}

constexpr char32_t kFirstOther = 0x100;
constexpr char32_t kEnd = kFirstOther + 68;

// The byte of each character below kEnd; -1: none.
constexpr std::array<int16_t, kEnd> make_bytes() {
  std::array<int16_t, kEnd> bytes = {};
  for (int16_t& byte : bytes) byte = -1;
  char32_t other = kFirstOther;
  for (int byte = 0; byte < 256; ++byte) {
    bytes[stands_for_itself(byte) ? static_cast<char32_t>(byte) : other++] =
        static_cast<int16_t>(byte);
  }
  return bytes;
}
constexpr std::array<int16_t, kEnd> kBytes = make_bytes();

}  // namespace

std::array<std::string, 256> byte_level_spelling() {
  std::array<std::string, 256> spelling;
  for (char32_t c = 0; c < kEnd; ++c) {
    if (kBytes[c] >= 0) append_utf8(c, spelling[static_cast<size_t>(kBytes[c])]);
  }
  return spelling;
}

std::optional<std::string> bytes_of_spelling(std::string_view piece) {
  std::string bytes;
  bytes.reserve(piece.size());
  uint32_t size_bytes = 0;
  for (size_t at = 0; at < piece.size(); at += size_bytes) {
    const char32_t c = decode_valid_utf8(piece.data() + at, size_bytes);
    if (c >= kEnd || kBytes[c] < 0) return std::nullopt;
    bytes += static_cast<char>(kBytes[c]);
  }
  return bytes;
}

}  // namespace sparrow
