// Quantization of activations, four registers a group; kernel_table.h defines it.
#include "kernels/avx2/lanes.h"
#include "kernels/avx2/table.h"
#include "kernels/q4_rounding.h"
#include "kernels/quantized_group.h"

namespace sparrow::kernels::avx2 {
namespace {

typedef float FloatLanes __attribute__((vector_size(32)));
typedef int32_t IntLanes __attribute__((vector_size(32)));

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

// Group `group` of a block, whose scale is still its largest magnitude. Gives whether it is wide.
bool quantize_group(const float* x, float limit, int64_t group, QuantizedBlock& block,
                    LowPlane& plane) {
  const GroupRounding rounding = rounding_of(block.scales[group], limit);
  __m256i high[4];
  for (int i = 0; i < 4; ++i) {
    const __m256 values = _mm256_loadu_ps(x + 8 * i);
    high[i] = rounding.inverse == 0.0f
                  ? _mm256_setzero_si256()
                  : _mm256_cvtps_epi32(_mm256_mul_ps(values, _mm256_set1_ps(rounding.inverse)));
  }
  int32_t low_sums[2] = {0, 0};
  if (rounding.is_wide) {
    __m256i low[4];
    for (int i = 0; i < 4; ++i) {
      const __m256i q = high[i];
      high[i] = _mm256_srai_epi32(_mm256_add_epi32(q, _mm256_set1_epi32(128)), 8);
      low[i] = _mm256_sub_epi32(q, _mm256_slli_epi32(high[i], 8));
    }
    store_bytes(plane.low + group * kQuantGroup, low);
    low_sums[0] = sum_integers(_mm256_add_epi32(low[0], low[1]));
    low_sums[1] = sum_integers(_mm256_add_epi32(low[2], low[3]));
  }
  store_bytes(block.high + group * kQuantGroup, high);
  const int32_t high_sums[2] = {sum_integers(_mm256_add_epi32(high[0], high[1])),
                                sum_integers(_mm256_add_epi32(high[2], high[3]))};
  note_group(block, plane, group, rounding, high_sums, low_sums);
  return rounding.is_wide;
}

}  // namespace

void quantize(const QuantizeArgs& args) { quantize_row<largest_magnitude, quantize_group>(args); }

void convert_q4_0_f32(int8_t* codes, uint16_t* scales, const float* x, int64_t count) {
  round_to_q4_0<FloatLanes, IntLanes>(codes, scales, x, count);
}

}  // namespace sparrow::kernels::avx2
