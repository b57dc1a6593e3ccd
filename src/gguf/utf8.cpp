#include "gguf/utf8.h"

#include <cstddef>

namespace sparrow::gguf {

bool is_valid_utf8(std::string_view text) {
  size_t at = 0;
  const auto byte_at = [&](size_t index) { return static_cast<unsigned char>(text[index]); };
  while (at < text.size()) {
    const unsigned char lead = byte_at(at);
    if (lead < 0x80) {
      ++at;
      continue;
    }
    const size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
    if (lead < 0xc2 || lead > 0xf4 || text.size() - at < length) return false;
    // The second byte also excludes overlong forms, surrogates and what lies beyond U+10FFFF.
    const unsigned char low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
    const unsigned char high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
    if (byte_at(at + 1) < low || byte_at(at + 1) > high) return false;
    for (size_t i = 2; i < length; ++i) {
      if ((byte_at(at + i) & 0xc0) != 0x80) return false;
    }
    at += length;
  }
  return true;
}

}  // namespace sparrow::gguf
