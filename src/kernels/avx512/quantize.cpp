// Quantization of activations, two registers a group; kernel_table.h defines it.
#include <immintrin.h>

#include "kernels/avx512/table.h"

namespace sparrow::kernels::avx512 {
namespace {

constexpr float kLargestFinite = 3.40282347e38f;

__m512i magnitudes(__m512 v) {
  return _mm512_and_si512(_mm512_castps_si512(v), _mm512_set1_epi32(0x7fffffff));
}

// As integers, magnitudes of floats are in order, NaN above infinity.
float largest_magnitude(const float* x) {
  return __builtin_bit_cast(
      float, _mm512_reduce_max_epi32(_mm512_max_epi32(magnitudes(_mm512_loadu_ps(x)),
                                                      magnitudes(_mm512_loadu_ps(x + 16)))));
}

// Group `group` of a block, whose scale is still its largest magnitude.
void quantize_group(const float* x, float limit, int64_t group, QuantizedBlock& block,
                    int8_t* low_bytes) {
  const float largest = block.scales[group];
  const bool in_16_bits = largest > limit;
  const float steps = in_16_bits ? 32512.0f : 127.0f;
  const bool is_finite = largest <= kLargestFinite;
  const bool is_zero = largest < 1e-30f;
  const float inverse = is_finite && !is_zero ? steps / largest : 0.0f;
  const float scale = is_zero ? 0.0f : largest / steps;
  __m512i q0 = _mm512_setzero_si512();
  __m512i q1 = q0;
  if (inverse != 0.0f) {
    q0 = _mm512_cvtps_epi32(_mm512_mul_ps(_mm512_loadu_ps(x), _mm512_set1_ps(inverse)));
    q1 = _mm512_cvtps_epi32(_mm512_mul_ps(_mm512_loadu_ps(x + 16), _mm512_set1_ps(inverse)));
  }
  __m128i* high = reinterpret_cast<__m128i*>(block.high + group * kQuantGroup);
  if (!in_16_bits) {
    _mm_storeu_si128(high, _mm512_cvtepi32_epi8(q0));
    _mm_storeu_si128(high + 1, _mm512_cvtepi32_epi8(q1));
  } else {
    // The low byte as it is, -128 to 127, and what then remains.
    const __m512i half = _mm512_set1_epi32(128);
    __m128i* low = reinterpret_cast<__m128i*>(low_bytes + group * kQuantGroup);
    _mm_storeu_si128(low, _mm512_cvtepi32_epi8(q0));
    _mm_storeu_si128(low + 1, _mm512_cvtepi32_epi8(q1));
    _mm_storeu_si128(high, _mm512_cvtepi32_epi8(_mm512_srai_epi32(_mm512_add_epi32(q0, half), 8)));
    _mm_storeu_si128(high + 1,
                     _mm512_cvtepi32_epi8(_mm512_srai_epi32(_mm512_add_epi32(q1, half), 8)));
  }
  const int32_t sum0 = _mm512_reduce_add_epi32(q0);
  const int32_t sum1 = _mm512_reduce_add_epi32(q1);
  block.in_16_bits[group] = in_16_bits ? 1 : 0;
  block.scales[group] = scale;
  block.minus_sums16[2 * group] = -sum0;
  block.minus_sums16[2 * group + 1] = -sum1;
  block.minus_sums32[group] = -(sum0 + sum1);
  block.scaled_sums16[2 * group] = scale * static_cast<float>(sum0);
  block.scaled_sums16[2 * group + 1] = scale * static_cast<float>(sum1);
  block.scaled_sums32[group] = scale * static_cast<float>(sum0 + sum1);
}

}  // namespace

void quantize(const QuantizeArgs& a) {
  const int64_t groups = a.count / kQuantGroup;
  float total = 0;
  for (int64_t i = 0; i < groups; ++i) {
    const float largest = largest_magnitude(a.x + i * kQuantGroup);
    a.blocks[i / kQuantBlockGroups * a.stride].scales[i % kQuantBlockGroups] = largest;
    total += largest;
  }
  const float limit = kOutlierFactor * total / static_cast<float>(groups);
  for (int64_t i = 0; i < groups; ++i) {
    const int64_t at = i / kQuantBlockGroups * a.stride;
    quantize_group(a.x + i * kQuantGroup, limit, i % kQuantBlockGroups, a.blocks[at],
                   a.low + at * kQuantBlock);
  }
}

}  // namespace sparrow::kernels::avx512
