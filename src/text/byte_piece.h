// SentencePiece's spelling of single bytes: <0x0A>.
#pragma once

#include <string_view>

namespace sparrow {

// The byte that `piece` spells, -1 if it spells none. Two hexadecimal digits, nothing else.
constexpr int byte_of_piece(std::string_view piece) {
  if (piece.size() != 6 || !piece.starts_with("<0x") || piece[5] != '>') return -1;
  int byte = 0;
  for (const char c : piece.substr(3, 2)) {
    if (c >= '0' && c <= '9') {
      byte = byte * 16 + (c - '0');
    } else if (c >= 'A' && c <= 'F') {
      byte = byte * 16 + (c - 'A' + 10);
    } else {
      return -1;
    }
  }
  return byte;
}

}  // namespace sparrow
