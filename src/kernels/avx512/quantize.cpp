// Quantization of activations, two registers a group; kernel_table.h defines it.
#include <immintrin.h>

#include "kernels/avx512/table.h"

namespace sparrow::kernels::avx512 {
namespace {

__m512i magnitudes(__m512 v) {
  return _mm512_and_si512(_mm512_castps_si512(v), _mm512_set1_epi32(0x7fffffff));
}

}  // namespace

void quantize(const QuantizeArgs& a) {
  const float steps = a.low == nullptr ? 127.0f : 32512.0f;
  for (int64_t group = 0; group < a.count / kQuantGroup; ++group) {
    const int64_t first = group * kQuantGroup;
    const __m512 x0 = _mm512_loadu_ps(a.x + first);
    const __m512 x1 = _mm512_loadu_ps(a.x + first + 16);
    // As integers, magnitudes of floats are in order, NaN above infinity.
    const int32_t bits = _mm512_reduce_max_epi32(_mm512_max_epi32(magnitudes(x0), magnitudes(x1)));
    const float largest = __builtin_bit_cast(float, bits);
    const bool is_finite = bits < 0x7f800000;
    const bool is_zero = largest < 1e-30f;
    const float inverse = is_finite && !is_zero ? steps / largest : 0.0f;
    const float scale = is_zero ? 0.0f : largest / steps;
    __m512i q0 = _mm512_setzero_si512();
    __m512i q1 = q0;
    if (inverse != 0.0f) {
      q0 = _mm512_cvtps_epi32(_mm512_mul_ps(x0, _mm512_set1_ps(inverse)));
      q1 = _mm512_cvtps_epi32(_mm512_mul_ps(x1, _mm512_set1_ps(inverse)));
    }
    __m128i* high = reinterpret_cast<__m128i*>(a.high + first);
    if (a.low == nullptr) {
      _mm_storeu_si128(high, _mm512_cvtepi32_epi8(q0));
      _mm_storeu_si128(high + 1, _mm512_cvtepi32_epi8(q1));
    } else {
      // The low byte as it is, -128 to 127, and what then remains.
      const __m512i half = _mm512_set1_epi32(128);
      __m128i* low = reinterpret_cast<__m128i*>(a.low + first);
      _mm_storeu_si128(low, _mm512_cvtepi32_epi8(q0));
      _mm_storeu_si128(low + 1, _mm512_cvtepi32_epi8(q1));
      _mm_storeu_si128(high,
                       _mm512_cvtepi32_epi8(_mm512_srai_epi32(_mm512_add_epi32(q0, half), 8)));
      _mm_storeu_si128(high + 1,
                       _mm512_cvtepi32_epi8(_mm512_srai_epi32(_mm512_add_epi32(q1, half), 8)));
    }
    const int32_t sum0 = _mm512_reduce_add_epi32(q0);
    const int32_t sum1 = _mm512_reduce_add_epi32(q1);
    a.scales[group] = scale;
    a.minus_sums16[2 * group] = -sum0;
    a.minus_sums16[2 * group + 1] = -sum1;
    a.minus_sums32[group] = -(sum0 + sum1);
    a.scaled_sums16[2 * group] = scale * static_cast<float>(sum0);
    a.scaled_sums16[2 * group + 1] = scale * static_cast<float>(sum1);
    a.scaled_sums32[group] = scale * static_cast<float>(sum0 + sum1);
  }
}

}  // namespace sparrow::kernels::avx512
