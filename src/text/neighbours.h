// Where a word can be cut before it is joined: two characters that no piece has side by side are
// never joined, so what stands on either side of them can be joined, and remembered, by itself.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

namespace sparrow {

// A set that may say of a few numbers too many that they are in it.
class Filter {
 public:
  explicit Filter(int bits) : shift_(64 - bits), words_(size_t{1} << (bits - 6)) {}
  void add(uint64_t number) {
    const uint64_t place = place_of(number);
    words_[place >> 6] |= uint64_t{1} << (place & 63);
  }
  bool may_have(uint64_t number) const {
    const uint64_t place = place_of(number);
    return (words_[place >> 6] >> (place & 63) & 1) != 0;
  }

 private:
  uint64_t place_of(uint64_t number) const {
    const uint64_t mixed = (number ^ number >> 32) * 0x9E3779B97F4A7C15;
    return (mixed ^ mixed >> 29) * 0xBF58476D1CE4E5B9 >> shift_;
  }

  int shift_;
  std::vector<uint64_t> words_;
};

// Filled while a vocabulary is loaded, then immutable; any thread may read. A piece may begin and
// end inside of a character, as those of byte-level BPE do.
class Neighbours {
 public:
  void add_piece(std::string_view piece);

  // Whether a piece may reach over the border at `at`, in text that is valid UTF-8: `left` bytes
  // are the character before it, `right` those of the one behind it.
  bool may_join(const char* at, uint32_t left, uint32_t right) const {
    if (left == 1 && right == 1) return (ascii_[byte(at[-1])] >> byte(at[0]) & 1) != 0;
    return may_join_wide(at, left, right);
  }

 private:
  __extension__ typedef unsigned __int128 AsciiSet;

  static unsigned char byte(char c) { return static_cast<unsigned char>(c); }
  bool may_join_wide(const char* at, uint32_t left, uint32_t right) const;

  std::array<AsciiSet, 128> ascii_ = {};  // what may stand behind each ASCII character
  Filter whole_ = Filter(20);             // pairs of whole characters
  Filter broken_ = Filter(17);            // pairs of which a piece has one in part only
  bool has_broken_ = false;
};

}  // namespace sparrow
