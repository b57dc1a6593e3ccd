// Packed products by VPMADDUBSW: two unsigned codes times two signed values in 16 bits, of which as
// many are added as cannot overflow, then widened. Codes of 8 bits go as two planes of 4.
#include "kernels/avx2/registers.h"
#include "kernels/avx2/table.h"
#include "kernels/packed_loops.h"

namespace sparrow::kernels::avx2 {
namespace {

struct Maddubs : Registers {
  template <typename Format>
  static constexpr int kind() {
    return Format::kBits <= 4 ? 4 : Format::kBits;
  }
  static constexpr int planes(int kind) { return kind > 6 ? 2 : 1; }
  static constexpr int columns(int kind, int subs) { return kind == 4 && subs == 1 ? 4 : 3; }

  // Products of 128 times a code, in pairs, that 16 bits hold: 8 vectors of 4-bit codes, 4 of 5
  // bits, 2 of 6.
  static constexpr int chunk(int kind, int count) {
    const int fitting = kind == 5 ? 4 : kind == 6 ? 2 : 8;
    return fitting < count ? fitting : count;
  }

  template <typename Format, int kPlanes>
  static void codes(const uint8_t* w, int g, int half, Ints (&planes)[kPlanes][kVectors]) {
    Format::codes(w, g, half, planes[0]);
    if constexpr (kPlanes == 2) {
      for (int v = 0; v < kVectors; ++v) {
        planes[1][v] = high_nibbles(planes[0][v]);
        planes[0][v] = low_nibbles(planes[0][v]);
      }
    }
  }

  // Of plane p, as 32 bits and in its place.
  static Ints widen(Ints v, int p) {
    return _mm256_madd_epi16(v, _mm256_set1_epi16(p == 0 ? 1 : 16));
  }

  template <int kKind, int kCount, int kPlanes>
  static Ints add(Ints total, const Ints (&planes)[kPlanes][kVectors], int from, const int8_t* x) {
    constexpr int kChunk = chunk(kKind, kCount);
    for (int first = 0; first < kCount; first += kChunk) {
      for (int p = 0; p < kPlanes; ++p) {
        Ints sum = _mm256_setzero_si256();
        for (int v = first; v < first + kChunk; ++v) {
          const Ints product = _mm256_maddubs_epi16(planes[p][from + v], four_of(x + 4 * v));
          sum = v == first ? product : _mm256_add_epi16(sum, product);
        }
        total = _mm256_add_epi32(total, widen(sum, p));
      }
    }
    return total;
  }

  static Ints multiply_codes(Ints codes, Ints x) {
    Ints product;
    asm volatile("vpmaddubsw %2, %1, %0" : "=x"(product) : "x"(codes), "x"(x));
    return product;
  }
  static void add_shorts(Ints& sum, Ints x) {
    asm volatile("vpaddw %1, %0, %0" : "+x"(sum) : "x"(x));
  }

  // Sums of kChunk vectors from `first` on of plane p.
  template <int kChunk, int kC, typename Four>
  static void add_chunk(Ints (&sums)[kC][2], const uint8_t (*codes)[2][32], int first, int p,
                        const Four& x) {
    const uint8_t(*plane)[2][32] = codes + p * kQuantBlockGroups * kVectors;
    Ints shorts[kC][2];
#pragma GCC unroll 8
    for (int v = 0; v < kChunk; ++v) {
      const Ints w0 = load_codes(plane[first + v][0]);
      const Ints w1 = load_codes(plane[first + v][1]);
#pragma GCC unroll 8
      for (int c = 0; c < kC; ++c) {
        const Ints four = four_of(x(c, first + v));
        if (v == 0) {
          shorts[c][0] = multiply_codes(w0, four);
          shorts[c][1] = multiply_codes(w1, four);
        } else {
          add_shorts(shorts[c][0], multiply_codes(w0, four));
          add_shorts(shorts[c][1], multiply_codes(w1, four));
        }
      }
    }
#pragma GCC unroll 8
    for (int c = 0; c < kC; ++c) {
      sums[c][0] = _mm256_add_epi32(sums[c][0], widen(shorts[c][0], p));
      sums[c][1] = _mm256_add_epi32(sums[c][1], widen(shorts[c][1], p));
    }
  }

  template <int kKind, int kCount, int kC, typename Four, typename Start>
  static void add_tile(Ints (&sums)[kC][2], const uint8_t (*codes)[2][32], const Four& x,
                       const Start& start) {
    constexpr int kChunk = chunk(kKind, kCount);
    static_assert(kCount <= 2 * kChunk);
#pragma GCC unroll 8
    for (int c = 0; c < kC; ++c) sums[c][0] = sums[c][1] = start(c);
    add_chunk<kChunk>(sums, codes, 0, 0, x);
    if constexpr (planes(kKind) == 2) add_chunk<kChunk>(sums, codes, 0, 1, x);
    if constexpr (kCount > kChunk) add_chunk<kChunk>(sums, codes, kChunk, 0, x);
  }
};

}  // namespace

PackedMatmul find_packed_matmul(uint32_t gguf_id) {
  return find_packed_matmul_of<Maddubs>(gguf_id);
}

}  // namespace sparrow::kernels::avx2
