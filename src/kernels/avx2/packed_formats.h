// Packed tiles of each weight format as registers of 8 rows, half a tile; scalar/packed_formats.h
// says the same value by value. A format gives
//   kBytes, kValues   of a block of one row, kGroup values share a scale (16 or 32);
//   kBits             that a code has at most: how many products a 16-bit sum can hold;
//   Block             what is worth preparing once a block; w points to its 16 rows;
//   codes(w, g, half, out)  32 values from 32 g on: out[i] holds values 4i to 4i + 3 of each row,
//                     of which kOffset is to be subtracted;
//   scale(b, group, half)  and min(b, group, half), a lane a row.
#pragma once

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "tensor/formats/blocks.h"

namespace sparrow::kernels::avx2 {
namespace {

// Unit `unit` of a field of 4-byte units.
inline __m256i load32(const uint8_t* field, int unit, int half) {
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(field + 64 * unit + 32 * half));
}

inline __m256 halves(const uint8_t* field, int half) {
  return _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(field + 16 * half)));
}

// Unit `unit` of a field of single bytes.
inline __m128i eight_bytes(const uint8_t* field, int unit, int half) {
  return _mm_loadl_epi64(reinterpret_cast<const __m128i*>(field + 16 * unit + 8 * half));
}
inline __m256i unsigned_bytes(const uint8_t* field, int unit, int half) {
  return _mm256_cvtepu8_epi32(eight_bytes(field, unit, half));
}
inline __m256i shorts(const uint8_t* field, int half) {
  return _mm256_cvtepu16_epi32(
      _mm_loadu_si128(reinterpret_cast<const __m128i*>(field + 16 * half)));
}

inline __m256i low_nibbles(__m256i v) { return _mm256_and_si256(v, _mm256_set1_epi8(15)); }
inline __m256i high_nibbles(__m256i v) { return low_nibbles(_mm256_srli_epi16(v, 4)); }
inline __m256 negative(__m256 v) { return _mm256_xor_ps(v, _mm256_set1_ps(-0.0f)); }
inline __m256 times(__m256 d, __m256i integer) {
  return _mm256_mul_ps(d, _mm256_cvtepi32_ps(integer));
}

// The older formats: four vectors hold values 0 to 15 in their low halves, 16 to 31 in the high.
inline void nibbles16(const uint8_t* qs, int half, __m256i* out) {
  for (int i = 0; i < 4; ++i) {
    const __m256i v = load32(qs, i, half);
    out[i] = low_nibbles(v);
    out[i + 4] = high_nibbles(v);
  }
}

// `value` in each byte of which `bits` has all bits of `mask`.
inline __m256i where_set(__m256i bits, __m256i mask, char value) {
  return _mm256_and_si256(_mm256_cmpeq_epi8(_mm256_and_si256(bits, mask), mask),
                          _mm256_set1_epi8(value));
}

// Bit 4i + b of each row's 32 bits, as 16 in byte b of out[i].
inline void add_fifth_bits(const uint8_t* qh, int half, __m256i* out) {
  const __m256i bits = load32(qh, 0, half);
  for (int i = 0; i < 8; ++i) {
    // Byte i / 2 of each row, four times; byte b then tests bit 4 (i % 2) + b.
    const __m256i pick = _mm256_add_epi8(_mm256_set1_epi8(static_cast<char>(i / 2)),
                                         _mm256_setr_epi32(0, 0x04040404, 0x08080808, 0x0c0c0c0c, 0,
                                                           0x04040404, 0x08080808, 0x0c0c0c0c));
    const __m256i mask =
        _mm256_set1_epi32(i % 2 == 0 ? 0x08040201 : static_cast<int32_t>(0x80402010u));
    out[i] = _mm256_or_si256(out[i], where_set(_mm256_shuffle_epi8(bits, pick), mask, 16));
  }
}

inline void iq4_codes(__m256i* out) {
  const __m256i book = _mm256_broadcastsi128_si256(_mm_add_epi8(
      _mm_loadu_si128(reinterpret_cast<const __m128i*>(kIq4Values)), _mm_set1_epi8(-128)));
  for (int i = 0; i < 8; ++i) out[i] = _mm256_shuffle_epi8(book, out[i]);
}

// A number of each of the 16 rows, by halves of the tile.
struct Rows {
  __m256 of[2];
  explicit Rows(const uint8_t* field) : of{halves(field, 0), halves(field, 1)} {}
};

struct OneScale {
  Rows d;
  explicit OneScale(const uint8_t* w) : d(w) {}
};
struct OneScaleAndMin {
  Rows d, m;
  explicit OneScaleAndMin(const uint8_t* w) : d(w), m(w + 32) {}
};

template <typename FileBlock, int offset, int bits>
struct SmallFormat {
  static constexpr int kBytes = sizeof(FileBlock);
  static constexpr int kValues = kSmallBlock, kGroup = 32, kOffset = offset, kBits = bits;
  static constexpr bool kHasMin = false;
  using Block = OneScale;
  static __m256 scale(const Block& b, int, int half) { return b.d.of[half]; }
  static __m256 min(const Block&, int, int) { return _mm256_setzero_ps(); }
};
template <typename FileBlock, int bits>
struct SmallFormatWithMin {
  static constexpr int kBytes = sizeof(FileBlock);
  static constexpr int kValues = kSmallBlock, kGroup = 32, kOffset = 0, kBits = bits;
  static constexpr bool kHasMin = true;
  using Block = OneScaleAndMin;
  static __m256 scale(const Block& b, int, int half) { return b.d.of[half]; }
  static __m256 min(const Block& b, int, int half) { return b.m.of[half]; }
};

struct Q4_0 : SmallFormat<BlockQ4_0, 8, 4> {
  static void codes(const uint8_t* w, int, int half, __m256i* out) {
    nibbles16(w + 16 * offsetof(BlockQ4_0, qs), half, out);
  }
};

struct Q4_1 : SmallFormatWithMin<BlockQ4_1, 4> {
  static void codes(const uint8_t* w, int, int half, __m256i* out) {
    nibbles16(w + 16 * offsetof(BlockQ4_1, qs), half, out);
  }
};

struct Q5_0 : SmallFormat<BlockQ5_0, 16, 5> {
  static void codes(const uint8_t* w, int, int half, __m256i* out) {
    nibbles16(w + 16 * offsetof(BlockQ5_0, qs), half, out);
    add_fifth_bits(w + 16 * offsetof(BlockQ5_0, qh), half, out);
  }
};

struct Q5_1 : SmallFormatWithMin<BlockQ5_1, 5> {
  static void codes(const uint8_t* w, int, int half, __m256i* out) {
    nibbles16(w + 16 * offsetof(BlockQ5_1, qs), half, out);
    add_fifth_bits(w + 16 * offsetof(BlockQ5_1, qh), half, out);
  }
};

struct Q8_0 : SmallFormat<BlockQ8_0, 128, 8> {
  static void codes(const uint8_t* w, int, int half, __m256i* out) {
    for (int i = 0; i < 8; ++i) {
      out[i] = _mm256_xor_si256(load32(w + 16 * offsetof(BlockQ8_0, qs), i, half),
                                _mm256_set1_epi8(-128));
    }
  }
};

struct IQ4_NL : SmallFormat<BlockIQ4_NL, 128, 8> {
  static void codes(const uint8_t* w, int, int half, __m256i* out) {
    nibbles16(w + 16 * offsetof(BlockIQ4_NL, qs), half, out);
    iq4_codes(out);
  }
};

// Codes of two bits: 32 bytes a row hold 128 values.
inline void two_bits(const uint8_t* qs, int g, int half, __m256i* out) {
  for (int i = 0; i < 8; ++i) {
    const __m256i v = load32(qs, g / 4 * 8 + i, half);
    out[i] =
        _mm256_and_si256(_mm256_srl_epi16(v, _mm_cvtsi32_si128(2 * (g % 4))), _mm256_set1_epi8(3));
  }
}

// Bit `bit` of every byte of eight vectors as bit `place` of the codes.
inline void add_bit(const uint8_t* bits, int bit, int place, int half, __m256i* out) {
  for (int i = 0; i < 8; ++i) {
    const __m256i v = load32(bits, i, half);
    const __m256i moved =
        bit < place ? _mm256_slli_epi16(v, place - bit) : _mm256_srli_epi16(v, bit - place);
    out[i] = _mm256_or_si256(
        out[i], _mm256_and_si256(moved, _mm256_set1_epi8(static_cast<char>(1 << place))));
  }
}

struct Q2_K {
  static constexpr int kBytes = sizeof(BlockQ2_K);
  static constexpr int kValues = kSuperBlock, kGroup = 16, kOffset = 0, kBits = 2;
  static constexpr bool kHasMin = true;
  struct Block {
    Rows d, dmin;
    const uint8_t* scales;
    explicit Block(const uint8_t* w)
        : d(w + 16 * offsetof(BlockQ2_K, d)), dmin(w + 16 * offsetof(BlockQ2_K, dmin)), scales(w) {}
  };
  static void codes(const uint8_t* w, int g, int half, __m256i* out) {
    two_bits(w + 16 * offsetof(BlockQ2_K, qs), g, half, out);
  }
  static __m256 scale(const Block& b, int group, int half) {
    return times(b.d.of[half],
                 _mm256_and_si256(unsigned_bytes(b.scales, group, half), _mm256_set1_epi32(15)));
  }
  static __m256 min(const Block& b, int group, int half) {
    return times(negative(b.dmin.of[half]),
                 _mm256_srli_epi32(unsigned_bytes(b.scales, group, half), 4));
  }
};

struct Q3_K {
  static constexpr int kBytes = sizeof(BlockQ3_K);
  static constexpr int kValues = kSuperBlock, kGroup = 16, kOffset = 4, kBits = 3;
  static constexpr bool kHasMin = false;
  struct Block {
    Rows d;
    const uint8_t* scales;
    explicit Block(const uint8_t* w)
        : d(w + 16 * offsetof(BlockQ3_K, d)), scales(w + 16 * offsetof(BlockQ3_K, scales)) {}
  };
  static void codes(const uint8_t* w, int g, int half, __m256i* out) {
    two_bits(w + 16 * offsetof(BlockQ3_K, qs), g, half, out);
    add_bit(w, g, 2, half, out);
  }
  // See q3_k_scale().
  static __m256 scale(const Block& b, int group, int half) {
    const __m256i low = unsigned_bytes(b.scales, group % 8, half);
    const __m256i high = unsigned_bytes(b.scales, 8 + group % 4, half);
    const __m256i four =
        group < 8 ? _mm256_and_si256(low, _mm256_set1_epi32(15)) : _mm256_srli_epi32(low, 4);
    const __m256i two = _mm256_and_si256(_mm256_srl_epi32(high, _mm_cvtsi32_si128(group / 4 * 2)),
                                         _mm256_set1_epi32(3));
    return times(b.d.of[half], _mm256_sub_epi32(_mm256_or_si256(four, _mm256_slli_epi32(two, 4)),
                                                _mm256_set1_epi32(32)));
  }
  static __m256 min(const Block&, int, int) { return _mm256_setzero_ps(); }
};

// The scales of Q4_K and Q5_K: d and dmin, then twelve bytes of 6-bit scales and minimums, which
// are put together for all rows at once.
struct SixBitScales {
  Rows d, dmin;
  alignas(32) uint8_t scales[8][16];
  alignas(32) uint8_t mins[8][16];
  explicit SixBitScales(const uint8_t* w) : d(w), dmin(w + 32) {
    const uint8_t* field = w + 64;
    // See q4_k_scale() and q4_k_min(). Two of the twelve at a time, of 16 rows each.
    for (int i = 0; i < 4; i += 2) {
      const __m256i own_scales = load32(field + 16 * i, 0, 0);
      const __m256i own_mins = load32(field + 16 * (4 + i), 0, 0);
      const __m256i rest = load32(field + 16 * (8 + i), 0, 0);
      const __m256i six = _mm256_set1_epi8(63);
      put(scales[i], _mm256_and_si256(own_scales, six));
      put(mins[i], _mm256_and_si256(own_mins, six));
      put(scales[4 + i], _mm256_or_si256(low_nibbles(rest), upper_two(own_scales)));
      put(mins[4 + i], _mm256_or_si256(high_nibbles(rest), upper_two(own_mins)));
    }
  }
  static void put(uint8_t* to, __m256i v) { _mm256_store_si256(reinterpret_cast<__m256i*>(to), v); }
  // Bits 6 and 7 of each byte as 4 and 5.
  static __m256i upper_two(__m256i v) {
    return _mm256_and_si256(_mm256_srli_epi16(v, 2), _mm256_set1_epi8(0x30));
  }
};

template <typename FileBlock, int bits>
struct SixBitFormat {
  static constexpr int kBytes = sizeof(FileBlock);
  static constexpr int kValues = kSuperBlock, kGroup = 32, kOffset = 0, kBits = bits;
  static constexpr bool kHasMin = true;
  using Block = SixBitScales;
  static __m256 scale(const Block& b, int group, int half) {
    return times(b.d.of[half], unsigned_bytes(b.scales[group], 0, half));
  }
  static __m256 min(const Block& b, int group, int half) {
    return times(negative(b.dmin.of[half]), unsigned_bytes(b.mins[group], 0, half));
  }
  // Group 2c is the lower halves of 32 bytes a row, 2c + 1 the upper.
  static void nibbles32(const uint8_t* qs, int g, int half, __m256i* out) {
    for (int i = 0; i < 8; ++i) {
      const __m256i v = load32(qs, g / 2 * 8 + i, half);
      out[i] = g % 2 == 0 ? low_nibbles(v) : high_nibbles(v);
    }
  }
};

struct Q4_K : SixBitFormat<BlockQ4_K, 4> {
  static void codes(const uint8_t* w, int g, int half, __m256i* out) {
    nibbles32(w + 16 * offsetof(BlockQ4_K, qs), g, half, out);
  }
};

struct Q5_K : SixBitFormat<BlockQ5_K, 5> {
  static void codes(const uint8_t* w, int g, int half, __m256i* out) {
    nibbles32(w + 16 * offsetof(BlockQ5_K, qs), g, half, out);
    add_bit(w + 16 * offsetof(BlockQ5_K, qh), g, 4, half, out);
  }
};

struct Q6_K {
  static constexpr int kBytes = sizeof(BlockQ6_K);
  static constexpr int kValues = kSuperBlock, kGroup = 16, kOffset = 32, kBits = 6;
  static constexpr bool kHasMin = false;
  struct Block {
    Rows d;
    const uint8_t* scales;
    explicit Block(const uint8_t* w)
        : d(w + 16 * offsetof(BlockQ6_K, d)), scales(w + 16 * offsetof(BlockQ6_K, scales)) {}
  };
  static void codes(const uint8_t* w, int g, int half, __m256i* out) {
    const uint8_t* qh = w + 16 * offsetof(BlockQ6_K, qh);
    const __m256i mask = _mm256_set1_epi8(0x30);
    for (int i = 0; i < 8; ++i) {
      const __m256i low = load32(w, g / 4 * 16 + g % 2 * 8 + i, half);
      const __m256i high = load32(qh, g / 4 * 8 + i, half);
      // Bits 2 (g % 4) and the next, moved to 4 and 5.
      const __m256i moved = g % 4 == 0   ? _mm256_slli_epi16(high, 4)
                            : g % 4 == 1 ? _mm256_slli_epi16(high, 2)
                            : g % 4 == 2 ? high
                                         : _mm256_srli_epi16(high, 2);
      out[i] = _mm256_or_si256(g % 4 < 2 ? low_nibbles(low) : high_nibbles(low),
                               _mm256_and_si256(moved, mask));
    }
  }
  static __m256 scale(const Block& b, int group, int half) {
    return times(b.d.of[half], _mm256_cvtepi8_epi32(eight_bytes(b.scales, group, half)));
  }
  static __m256 min(const Block&, int, int) { return _mm256_setzero_ps(); }
};

struct IQ4_XS {
  static constexpr int kBytes = sizeof(BlockIQ4_XS);
  static constexpr int kValues = kSuperBlock, kGroup = 32, kOffset = 128, kBits = 8;
  static constexpr bool kHasMin = false;
  struct Block {
    Rows d;
    const uint8_t* high;
    const uint8_t* low;
    explicit Block(const uint8_t* w)
        : d(w),
          high(w + 16 * offsetof(BlockIQ4_XS, scales_h)),
          low(w + 16 * offsetof(BlockIQ4_XS, scales_l)) {}
  };
  static void codes(const uint8_t* w, int g, int half, __m256i* out) {
    nibbles16(w + 16 * offsetof(BlockIQ4_XS, qs) + 256 * g, half, out);
    iq4_codes(out);
  }
  static __m256 scale(const Block& b, int group, int half) {
    const __m256i four = _mm256_and_si256(
        _mm256_srl_epi32(unsigned_bytes(b.low, group / 2, half), _mm_cvtsi32_si128(group % 2 * 4)),
        _mm256_set1_epi32(15));
    const __m256i two = _mm256_and_si256(
        _mm256_srl_epi32(shorts(b.high, half), _mm_cvtsi32_si128(2 * group)), _mm256_set1_epi32(3));
    return times(b.d.of[half], _mm256_sub_epi32(_mm256_or_si256(four, _mm256_slli_epi32(two, 4)),
                                                _mm256_set1_epi32(32)));
  }
  static __m256 min(const Block&, int, int) { return _mm256_setzero_ps(); }
};

// All of them, by name.
struct Formats {
  using Q4_0 = avx2::Q4_0;
  using Q4_1 = avx2::Q4_1;
  using Q5_0 = avx2::Q5_0;
  using Q5_1 = avx2::Q5_1;
  using Q8_0 = avx2::Q8_0;
  using Q2_K = avx2::Q2_K;
  using Q3_K = avx2::Q3_K;
  using Q4_K = avx2::Q4_K;
  using Q5_K = avx2::Q5_K;
  using Q6_K = avx2::Q6_K;
  using IQ4_NL = avx2::IQ4_NL;
  using IQ4_XS = avx2::IQ4_XS;
};

}  // namespace
}  // namespace sparrow::kernels::avx2
