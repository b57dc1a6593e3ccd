// The sums of packed products by VPMADDUBSW: two unsigned codes times two signed values in 16 bits,
// of which as many are added as cannot overflow, then widened. Codes of 8 bits go as two planes
// of 4.
#include "kernels/avx2/packed_matmul.h"

#include "kernels/avx2/table.h"

namespace sparrow::kernels::avx2 {
namespace {

struct MaddubsDot {
  static constexpr int kind(int bits) { return bits <= 4 ? 4 : bits; }
  static constexpr int planes(int bits) { return bits > 6 ? 2 : 1; }
  static constexpr int columns(int bits) { return bits <= 4 ? 4 : 2; }

  // Products of 128 times a code, in pairs, that 16 bits hold: 8 vectors of 4-bit codes, 4 of 5
  // bits, 2 of 6.
  static constexpr int chunk(int bits, int count) {
    const int fitting = bits == 5 ? 4 : bits == 6 ? 2 : 8;
    return fitting < count ? fitting : count;
  }

  static __m256i widen(__m256i v) { return _mm256_madd_epi16(v, _mm256_set1_epi16(1)); }

  template <int kBits, int kCount>
  static __m256i add(__m256i total, const __m256i* codes, const int8_t* x) {
    constexpr int kChunk = chunk(kBits, kCount);
    for (int from = 0; from < kCount; from += kChunk) {
      __m256i sum = _mm256_maddubs_epi16(codes[from], four_of(x + 4 * from));
      for (int v = from + 1; v < from + kChunk; ++v)
        sum = _mm256_add_epi16(sum, _mm256_maddubs_epi16(codes[v], four_of(x + 4 * v)));
      total = _mm256_add_epi32(total, widen(sum));
    }
    return total;
  }

  template <int kBits, int kCount, int kC>
  static void add_tile(__m256i (&totals)[kC][2], const uint8_t (*codes)[2][32],
                       const int8_t* const (&x)[kC], int64_t value) {
    constexpr int kChunk = chunk(kBits, kCount);
    for (int from = 0; from < kCount; from += kChunk) {
      __m256i sums[kC][2];
#pragma GCC unroll 8
      for (int v = from; v < from + kChunk; ++v) {
        const __m256i w0 = _mm256_load_si256(reinterpret_cast<const __m256i*>(codes[v][0]));
        const __m256i w1 = _mm256_load_si256(reinterpret_cast<const __m256i*>(codes[v][1]));
#pragma GCC unroll 4
        for (int c = 0; c < kC; ++c) {
          const __m256i four = four_of(x[c] + value + 4 * v);
          const __m256i product0 = _mm256_maddubs_epi16(w0, four);
          const __m256i product1 = _mm256_maddubs_epi16(w1, four);
          sums[c][0] = v == from ? product0 : _mm256_add_epi16(sums[c][0], product0);
          sums[c][1] = v == from ? product1 : _mm256_add_epi16(sums[c][1], product1);
        }
      }
      for (int c = 0; c < kC; ++c) {
        for (int h = 0; h < 2; ++h)
          totals[c][h] = _mm256_add_epi32(totals[c][h], widen(sums[c][h]));
      }
    }
  }
};

}  // namespace

PackedMatmul find_packed_matmul(uint32_t gguf_id) {
  return find_packed_matmul_with<MaddubsDot>(gguf_id);
}

}  // namespace sparrow::kernels::avx2
