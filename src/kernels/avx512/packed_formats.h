// Packed tiles of each weight format as registers of 16 rows; scalar/packed_formats.h says the same
// value by value. A format gives
//   kBytes, kValues   of a block of one row, kGroup values share a scale (16 or 32);
//   Block             what is worth preparing once a block; w points to its 16 rows;
//   codes(w, g, out)  32 values from 32 g on: out[i] holds values 4i to 4i + 3 of each row, 0 to
//                     255, of which kOffset is to be subtracted;
//   scale(b, group)   and min(b, group), a lane a row.
#pragma once

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "tensor/formats/blocks.h"

namespace sparrow::kernels::avx512 {
namespace {

inline __m512i load64(const uint8_t* p) { return _mm512_loadu_si512(p); }

// 16 halves.
inline __m512 halves(const uint8_t* p) {
  return _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
}

// 16 unsigned or signed bytes.
inline __m512 unsigned_bytes(const uint8_t* p) {
  const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
  return _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(bytes));
}
inline __m512 signed_bytes(const uint8_t* p) {
  const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
  return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(bytes));
}

inline __m512i low_nibbles(__m512i v) { return _mm512_and_si512(v, _mm512_set1_epi8(15)); }
inline __m512i high_nibbles(__m512i v) { return low_nibbles(_mm512_srli_epi16(v, 4)); }

inline __m512 negative(__m512 v) {
  return _mm512_castsi512_ps(
      _mm512_xor_si512(_mm512_castps_si512(v), _mm512_set1_epi32(INT32_MIN)));
}

// The older formats: four vectors hold values 0 to 15 in their low halves, 16 to 31 in the high.
inline void nibbles16(const uint8_t* qs, __m512i* out) {
  for (int i = 0; i < 4; ++i) {
    const __m512i v = load64(qs + 64 * i);
    out[i] = low_nibbles(v);
    out[i + 4] = high_nibbles(v);
  }
}

// Bit 4i + b of each row's 32 bits, as 16 in byte b of out[i].
inline void add_fifth_bits(const uint8_t* qh, __m512i* out) {
  const __m512i bits = load64(qh);
  for (int i = 0; i < 8; ++i) {
    // Byte i / 2 of each row, four times; byte b then tests bit 4 (i % 2) + b.
    const __m512i copy = _mm512_shuffle_epi8(
        bits, _mm512_add_epi8(_mm512_set1_epi8(static_cast<char>(i / 2)),
                              _mm512_set4_epi32(0x0c0c0c0c, 0x08080808, 0x04040404, 0)));
    const __mmask64 is_set =
        _mm512_test_epi8_mask(copy, _mm512_set1_epi32(i % 2 == 0 ? 0x08040201 : 0x80402010));
    out[i] = _mm512_mask_add_epi8(out[i], is_set, out[i], _mm512_set1_epi8(16));
  }
}

inline void iq4_codes(__m512i* out) {
  const __m512i book = _mm512_broadcast_i32x4(_mm_add_epi8(
      _mm_loadu_si128(reinterpret_cast<const __m128i*>(kIq4Values)), _mm_set1_epi8(-128)));
  for (int i = 0; i < 8; ++i) out[i] = _mm512_shuffle_epi8(book, out[i]);
}

// A format of one scale, or scale and minimum, a block of 32.
struct OneScale {
  __m512 d;
  explicit OneScale(const uint8_t* w) : d(halves(w)) {}
};
struct OneScaleAndMin {
  __m512 d, m;
  explicit OneScaleAndMin(const uint8_t* w) : d(halves(w)), m(halves(w + 32)) {}
};

template <typename FileBlock, int offset>
struct SmallFormat {
  static constexpr int kBytes = sizeof(FileBlock);
  static constexpr int kValues = kSmallBlock, kGroup = 32, kOffset = offset;
  static constexpr bool kHasMin = false;
  using Block = OneScale;
  static __m512 scale(const Block& b, int) { return b.d; }
  static __m512 min(const Block&, int) { return _mm512_setzero_ps(); }
};
template <typename FileBlock>
struct SmallFormatWithMin {
  static constexpr int kBytes = sizeof(FileBlock);
  static constexpr int kValues = kSmallBlock, kGroup = 32, kOffset = 0;
  static constexpr bool kHasMin = true;
  using Block = OneScaleAndMin;
  static __m512 scale(const Block& b, int) { return b.d; }
  static __m512 min(const Block& b, int) { return b.m; }
};

struct Q4_0 : SmallFormat<BlockQ4_0, 8> {
  static void codes(const uint8_t* w, int, __m512i* out) {
    nibbles16(w + 16 * offsetof(BlockQ4_0, qs), out);
  }
};

struct Q4_1 : SmallFormatWithMin<BlockQ4_1> {
  static void codes(const uint8_t* w, int, __m512i* out) {
    nibbles16(w + 16 * offsetof(BlockQ4_1, qs), out);
  }
};

struct Q5_0 : SmallFormat<BlockQ5_0, 16> {
  static void codes(const uint8_t* w, int, __m512i* out) {
    nibbles16(w + 16 * offsetof(BlockQ5_0, qs), out);
    add_fifth_bits(w + 16 * offsetof(BlockQ5_0, qh), out);
  }
};

struct Q5_1 : SmallFormatWithMin<BlockQ5_1> {
  static void codes(const uint8_t* w, int, __m512i* out) {
    nibbles16(w + 16 * offsetof(BlockQ5_1, qs), out);
    add_fifth_bits(w + 16 * offsetof(BlockQ5_1, qh), out);
  }
};

struct Q8_0 : SmallFormat<BlockQ8_0, 128> {
  static void codes(const uint8_t* w, int, __m512i* out) {
    for (int i = 0; i < 8; ++i) {
      const __m512i v = load64(w + 16 * offsetof(BlockQ8_0, qs) + 64 * i);
      out[i] = _mm512_xor_si512(v, _mm512_set1_epi8(-128));
    }
  }
};

struct IQ4_NL : SmallFormat<BlockIQ4_NL, 128> {
  static void codes(const uint8_t* w, int, __m512i* out) {
    nibbles16(w + 16 * offsetof(BlockIQ4_NL, qs), out);
    iq4_codes(out);
  }
};

// Codes of two bits: 32 bytes a row hold 128 values.
inline void two_bits(const uint8_t* qs, int g, __m512i* out) {
  for (int i = 0; i < 8; ++i) {
    const __m512i v = load64(qs + (g / 4 * 8 + i) * 64);
    out[i] =
        _mm512_and_si512(_mm512_srl_epi16(v, _mm_cvtsi32_si128(2 * (g % 4))), _mm512_set1_epi8(3));
  }
}

// Bit `bit` of every byte of eight vectors, moved up to `value` and added.
inline void add_bit(const uint8_t* bits, int bit, int value, __m512i* out) {
  for (int i = 0; i < 8; ++i) {
    const __mmask64 is_set =
        _mm512_test_epi8_mask(load64(bits + 64 * i), _mm512_set1_epi8(static_cast<char>(1 << bit)));
    out[i] =
        _mm512_mask_add_epi8(out[i], is_set, out[i], _mm512_set1_epi8(static_cast<char>(value)));
  }
}

struct Q2_K {
  static constexpr int kBytes = sizeof(BlockQ2_K);
  static constexpr int kValues = kSuperBlock, kGroup = 16, kOffset = 0;
  static constexpr bool kHasMin = true;
  struct Block {
    __m512 d, dmin;
    const uint8_t* scales;
    explicit Block(const uint8_t* w)
        : d(halves(w + 16 * offsetof(BlockQ2_K, d))),
          dmin(negative(halves(w + 16 * offsetof(BlockQ2_K, dmin)))),
          scales(w) {}
  };
  static void codes(const uint8_t* w, int g, __m512i* out) {
    two_bits(w + 16 * offsetof(BlockQ2_K, qs), g, out);
  }
  static __m512i scales_and_mins(const Block& b, int group) {
    return _mm512_cvtepu8_epi32(
        _mm_loadu_si128(reinterpret_cast<const __m128i*>(b.scales + 16 * group)));
  }
  static __m512 scale(const Block& b, int group) {
    const __m512i bits = _mm512_and_si512(scales_and_mins(b, group), _mm512_set1_epi32(15));
    return _mm512_mul_ps(b.d, _mm512_cvtepi32_ps(bits));
  }
  static __m512 min(const Block& b, int group) {
    const __m512i bits = _mm512_srli_epi32(scales_and_mins(b, group), 4);
    return _mm512_mul_ps(b.dmin, _mm512_cvtepi32_ps(bits));
  }
};

struct Q3_K {
  static constexpr int kBytes = sizeof(BlockQ3_K);
  static constexpr int kValues = kSuperBlock, kGroup = 16, kOffset = 4;
  static constexpr bool kHasMin = false;
  struct Block {
    __m512 d;
    alignas(64) uint8_t scales[16 * 16];  // 32 too large
    explicit Block(const uint8_t* w) : d(halves(w + 16 * offsetof(BlockQ3_K, d))) {
      // Four sub-blocks of 16 rows a register; see q3_k_scale().
      const uint8_t* field = w + 16 * offsetof(BlockQ3_K, scales);
      const __m512i first = load64(field), second = load64(field + 64), upper = load64(field + 128);
      const __m512i three = _mm512_set1_epi8(0x30);
      const auto join = [&](__m512i low, __m512i high) {
        return _mm512_or_si512(low, _mm512_and_si512(high, three));
      };
      _mm512_store_si512(scales, join(low_nibbles(first), _mm512_slli_epi16(upper, 4)));
      _mm512_store_si512(scales + 64, join(low_nibbles(second), _mm512_slli_epi16(upper, 2)));
      _mm512_store_si512(scales + 128, join(high_nibbles(first), upper));
      _mm512_store_si512(scales + 192, join(high_nibbles(second), _mm512_srli_epi16(upper, 2)));
    }
  };
  static void codes(const uint8_t* w, int g, __m512i* out) {
    two_bits(w + 16 * offsetof(BlockQ3_K, qs), g, out);
    add_bit(w, g, 4, out);
  }
  static __m512 scale(const Block& b, int group) {
    const __m128i bytes = _mm_load_si128(reinterpret_cast<const __m128i*>(b.scales + 16 * group));
    const __m512i value = _mm512_sub_epi32(_mm512_cvtepu8_epi32(bytes), _mm512_set1_epi32(32));
    return _mm512_mul_ps(b.d, _mm512_cvtepi32_ps(value));
  }
  static __m512 min(const Block&, int) { return _mm512_setzero_ps(); }
};

// The scales of Q4_K and Q5_K: d and dmin, then twelve bytes of 6-bit scales and minimums.
struct SixBitScales {
  __m512 d, dmin;
  alignas(64) uint8_t scales[8 * 16];
  alignas(64) uint8_t mins[8 * 16];
  explicit SixBitScales(const uint8_t* w) : d(halves(w)), dmin(negative(halves(w + 32))) {
    const __m512i first = load64(w + 64), second = load64(w + 128), third = load64(w + 192);
    const __m512i six = _mm512_set1_epi8(63);
    const __m512i two = _mm512_set1_epi8(0x30);
    _mm512_store_si512(scales, _mm512_and_si512(first, six));
    _mm512_store_si512(mins, _mm512_and_si512(second, six));
    const auto upper = [&](__m512i v) { return _mm512_and_si512(_mm512_srli_epi16(v, 2), two); };
    _mm512_store_si512(scales + 64, _mm512_or_si512(low_nibbles(third), upper(first)));
    _mm512_store_si512(mins + 64, _mm512_or_si512(high_nibbles(third), upper(second)));
  }
};

template <typename FileBlock>
struct SixBitFormat {
  static constexpr int kBytes = sizeof(FileBlock);
  static constexpr int kValues = kSuperBlock, kGroup = 32, kOffset = 0;
  static constexpr bool kHasMin = true;
  using Block = SixBitScales;
  static __m512 scale(const Block& b, int group) {
    return _mm512_mul_ps(b.d, unsigned_bytes(b.scales + 16 * group));
  }
  static __m512 min(const Block& b, int group) {
    return _mm512_mul_ps(b.dmin, unsigned_bytes(b.mins + 16 * group));
  }
  // Group 2c is the lower halves of 32 bytes a row, 2c + 1 the upper.
  static void nibbles32(const uint8_t* qs, int g, __m512i* out) {
    for (int i = 0; i < 8; ++i) {
      const __m512i v = load64(qs + (g / 2 * 8 + i) * 64);
      out[i] = g % 2 == 0 ? low_nibbles(v) : high_nibbles(v);
    }
  }
};

struct Q4_K : SixBitFormat<BlockQ4_K> {
  static void codes(const uint8_t* w, int g, __m512i* out) {
    nibbles32(w + 16 * offsetof(BlockQ4_K, qs), g, out);
  }
};

struct Q5_K : SixBitFormat<BlockQ5_K> {
  static void codes(const uint8_t* w, int g, __m512i* out) {
    nibbles32(w + 16 * offsetof(BlockQ5_K, qs), g, out);
    add_bit(w + 16 * offsetof(BlockQ5_K, qh), g, 16, out);
  }
};

struct Q6_K {
  static constexpr int kBytes = sizeof(BlockQ6_K);
  static constexpr int kValues = kSuperBlock, kGroup = 16, kOffset = 32;
  static constexpr bool kHasMin = false;
  struct Block {
    __m512 d;
    const uint8_t* scales;
    explicit Block(const uint8_t* w)
        : d(halves(w + 16 * offsetof(BlockQ6_K, d))),
          scales(w + 16 * offsetof(BlockQ6_K, scales)) {}
  };
  static void codes(const uint8_t* w, int g, __m512i* out) {
    const uint8_t* ql = w + (g / 4 * 16 + g % 2 * 8) * 64;
    const uint8_t* qh = w + 16 * offsetof(BlockQ6_K, qh) + g / 4 * 8 * 64;
    const __m512i mask = _mm512_set1_epi8(0x30);
    for (int i = 0; i < 8; ++i) {
      const __m512i low = load64(ql + 64 * i);
      const __m512i high = load64(qh + 64 * i);
      // Bits 2 (g % 4) and the next, moved to 4 and 5.
      const __m512i moved = g % 4 == 0   ? _mm512_slli_epi16(high, 4)
                            : g % 4 == 1 ? _mm512_slli_epi16(high, 2)
                            : g % 4 == 2 ? high
                                         : _mm512_srli_epi16(high, 2);
      out[i] = _mm512_or_si512(g % 4 < 2 ? low_nibbles(low) : high_nibbles(low),
                               _mm512_and_si512(moved, mask));
    }
  }
  static __m512 scale(const Block& b, int group) {
    return _mm512_mul_ps(b.d, signed_bytes(b.scales + 16 * group));
  }
  static __m512 min(const Block&, int) { return _mm512_setzero_ps(); }
};

struct IQ4_XS {
  static constexpr int kBytes = sizeof(BlockIQ4_XS);
  static constexpr int kValues = kSuperBlock, kGroup = 32, kOffset = 128;
  static constexpr bool kHasMin = false;
  struct Block {
    __m512 d;
    __m512i low, high;  // four bytes and two of every row
    explicit Block(const uint8_t* w)
        : d(halves(w)),
          low(load64(w + 64)),
          high(
              _mm512_cvtepu16_epi32(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(w + 32)))) {
    }
  };
  static void codes(const uint8_t* w, int g, __m512i* out) {
    nibbles16(w + 16 * offsetof(BlockIQ4_XS, qs) + 256 * g, out);
    iq4_codes(out);
  }
  static __m512 scale(const Block& b, int group) {
    alignas(64) uint8_t bytes[64];
    _mm512_store_si512(bytes, b.low);
    const __m512i byte = _mm512_cvtepu8_epi32(
        _mm_load_si128(reinterpret_cast<const __m128i*>(bytes + 16 * (group / 2))));
    const __m512i lower = _mm512_and_si512(_mm512_srl_epi32(byte, _mm_cvtsi32_si128(group % 2 * 4)),
                                           _mm512_set1_epi32(15));
    const __m512i upper = _mm512_and_si512(_mm512_srl_epi32(b.high, _mm_cvtsi32_si128(2 * group)),
                                           _mm512_set1_epi32(3));
    const __m512i value = _mm512_sub_epi32(_mm512_or_si512(lower, _mm512_slli_epi32(upper, 4)),
                                           _mm512_set1_epi32(32));
    return _mm512_mul_ps(b.d, _mm512_cvtepi32_ps(value));
  }
  static __m512 min(const Block&, int) { return _mm512_setzero_ps(); }
};

// All of them, by name.
struct Formats {
  using Q4_0 = avx512::Q4_0;
  using Q4_1 = avx512::Q4_1;
  using Q5_0 = avx512::Q5_0;
  using Q5_1 = avx512::Q5_1;
  using Q8_0 = avx512::Q8_0;
  using Q2_K = avx512::Q2_K;
  using Q3_K = avx512::Q3_K;
  using Q4_K = avx512::Q4_K;
  using Q5_K = avx512::Q5_K;
  using Q6_K = avx512::Q6_K;
  using IQ4_NL = avx512::IQ4_NL;
  using IQ4_XS = avx512::IQ4_XS;
};

}  // namespace
}  // namespace sparrow::kernels::avx512
