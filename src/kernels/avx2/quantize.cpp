// Quantization of activations, four registers a group; kernel_table.h defines it.
#include "kernels/avx2/lanes.h"
#include "kernels/avx2/table.h"

namespace sparrow::kernels::avx2 {
namespace {

int32_t largest_integer(__m256i v) {
  __m128i four = _mm_max_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
  four = _mm_max_epi32(four, _mm_shuffle_epi32(four, 0x4e));
  return _mm_cvtsi128_si32(_mm_max_epi32(four, _mm_shuffle_epi32(four, 0xb1)));
}

int32_t sum_integers(__m256i v) {
  __m128i four = _mm_add_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
  four = _mm_add_epi32(four, _mm_shuffle_epi32(four, 0x4e));
  return _mm_cvtsi128_si32(_mm_add_epi32(four, _mm_shuffle_epi32(four, 0xb1)));
}

// 32 integers of -128 to 127 as bytes, in order.
void store_bytes(int8_t* out, const __m256i (&q)[4]) {
  const __m256i bytes =
      _mm256_packs_epi16(_mm256_packs_epi32(q[0], q[1]), _mm256_packs_epi32(q[2], q[3]));
  // The packs worked in halves: 0 to 3 of each, then 4 to 7 of each.
  _mm256_storeu_si256(
      reinterpret_cast<__m256i*>(out),
      _mm256_permutevar8x32_epi32(bytes, _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7)));
}

// As integers, magnitudes of floats are in order, NaN above infinity.
float largest_magnitude(const float* x) {
  __m256i largest = _mm256_setzero_si256();
  for (int i = 0; i < 4; ++i) {
    const __m256i magnitude = _mm256_and_si256(_mm256_castps_si256(_mm256_loadu_ps(x + 8 * i)),
                                               _mm256_set1_epi32(0x7fffffff));
    largest = _mm256_max_epi32(largest, magnitude);
  }
  return __builtin_bit_cast(float, largest_integer(largest));
}

// Group `group` of a block, whose scale is still its largest magnitude.
void quantize_group(const float* x, float limit, int64_t group, QuantizedBlock& block,
                    int8_t* low) {
  constexpr float kLargestFinite = 3.40282347e38f;
  const int64_t first = group * kQuantGroup;
  const float largest = block.scales[group];
  const bool in_16_bits = largest > limit;
  const float steps = in_16_bits ? 32512.0f : 127.0f;
  const bool is_zero = largest < 1e-30f;
  const bool is_finite = largest <= kLargestFinite;
  const float inverse = is_finite && !is_zero ? steps / largest : 0.0f;
  const float scale = is_zero ? 0.0f : largest / steps;
  __m256i q[4];
  for (int i = 0; i < 4; ++i) {
    q[i] = inverse == 0.0f ? _mm256_setzero_si256()
                           : _mm256_cvtps_epi32(_mm256_mul_ps(_mm256_loadu_ps(x + 8 * i),
                                                              _mm256_set1_ps(inverse)));
  }
  const int32_t sum0 = sum_integers(_mm256_add_epi32(q[0], q[1]));
  const int32_t sum1 = sum_integers(_mm256_add_epi32(q[2], q[3]));
  if (!in_16_bits) {
    store_bytes(block.high + first, q);
  } else {
    __m256i high[4];
    for (int i = 0; i < 4; ++i) {
      high[i] = _mm256_srai_epi32(_mm256_add_epi32(q[i], _mm256_set1_epi32(128)), 8);
      q[i] = _mm256_sub_epi32(q[i], _mm256_slli_epi32(high[i], 8));
    }
    store_bytes(block.high + first, high);
    store_bytes(low + first, q);
  }
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

}  // namespace sparrow::kernels::avx2
