#include "text/neighbours.h"

#include <algorithm>

namespace sparrow {
namespace {

bool is_continuation(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

// Of the character that begins so, in valid UTF-8.
uint32_t size_of(char lead) {
  const unsigned char byte = static_cast<unsigned char>(lead);
  return byte < 0x80 ? 1 : byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : 4;
}

uint32_t packed(const char* bytes, uint32_t count) {
  uint32_t number = 0;
  for (uint32_t i = 0; i < count; ++i) number = number << 8 | static_cast<unsigned char>(bytes[i]);
  return number;
}

uint64_t pair_of(uint32_t left, uint32_t right) {
  return static_cast<uint64_t>(left) << 32 | right;
}

}  // namespace

void Neighbours::add_piece(std::string_view piece) {
  for (size_t border = 1; border < piece.size(); ++border) {
    if (is_continuation(piece[border])) continue;
    size_t begin = border - 1;
    while (begin > 0 && is_continuation(piece[begin]) && border - begin < 4) --begin;
    const uint32_t left = static_cast<uint32_t>(border - begin);
    const uint32_t right =
        static_cast<uint32_t>(std::min<size_t>(size_of(piece[border]), piece.size() - border));
    const bool is_whole = !is_continuation(piece[begin]) && right == size_of(piece[border]);
    if (left == 1 && right == 1 && byte(piece[border - 1]) < 128 && byte(piece[border]) < 128) {
      ascii_[byte(piece[border - 1])] |= AsciiSet{1} << byte(piece[border]);
      continue;
    }
    has_broken_ = has_broken_ || !is_whole;
    (is_whole ? whole_ : broken_)
        .add(pair_of(packed(piece.data() + begin, left), packed(piece.data() + border, right)));
  }
}

bool Neighbours::may_join_wide(const char* at, uint32_t left, uint32_t right) const {
  const uint32_t before = packed(at - left, left);
  const uint32_t behind = packed(at, right);
  if (whole_.may_have(pair_of(before, behind))) return true;
  if (!has_broken_) return false;
  for (uint32_t i = 1; i <= left; ++i) {
    const uint32_t end = i == 4 ? before : before & ((uint32_t{1} << (8 * i)) - 1);
    for (uint32_t j = 1; j <= right; ++j) {
      if (i == left && j == right) continue;
      if (broken_.may_have(pair_of(end, behind >> (8 * (right - j))))) return true;
    }
  }
  return false;
}

}  // namespace sparrow
