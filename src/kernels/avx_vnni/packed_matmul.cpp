// The sums of packed products by the VPDPBUSD of AVX-VNNI: four unsigned codes times four signed
// values, added to 32 bits in one instruction.
#include "kernels/avx2/packed_matmul.h"

#include "kernels/avx_vnni/table.h"

namespace sparrow::kernels::avx_vnni {
namespace {

struct VnniDot {
  static constexpr int kind(int) { return 8; }
  static constexpr int planes(int) { return 1; }
  static constexpr int columns(int) { return 5; }

  template <int kBits, int kCount>
  static __m256i add(__m256i total, const __m256i* codes, const int8_t* x) {
    for (int v = 0; v < kCount; ++v)
      total = _mm256_dpbusd_avx_epi32(total, codes[v], avx2::four_of(x + 4 * v));
    return total;
  }

  template <int kBits, int kCount, int kC>
  static void add_tile(__m256i (&totals)[kC][2], const uint8_t (*codes)[2][32],
                       const int8_t* const (&x)[kC], int64_t value) {
#pragma GCC unroll 8
    for (int v = 0; v < kCount; ++v) {
      const __m256i w0 = _mm256_load_si256(reinterpret_cast<const __m256i*>(codes[v][0]));
      const __m256i w1 = _mm256_load_si256(reinterpret_cast<const __m256i*>(codes[v][1]));
#pragma GCC unroll 5
      for (int c = 0; c < kC; ++c) {
        const __m256i four = avx2::four_of(x[c] + value + 4 * v);
        totals[c][0] = _mm256_dpbusd_avx_epi32(totals[c][0], w0, four);
        totals[c][1] = _mm256_dpbusd_avx_epi32(totals[c][1], w1, four);
      }
    }
  }
};

}  // namespace

PackedMatmul find_packed_matmul(uint32_t gguf_id) {
  return avx2::find_packed_matmul_with<VnniDot>(gguf_id);
}

}  // namespace sparrow::kernels::avx_vnni
