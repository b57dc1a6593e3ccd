// Quantization of activations, two registers a group; kernel_table.h defines it.
#include <immintrin.h>

#include "kernels/avx512/table.h"
#include "kernels/q4_rounding.h"
#include "kernels/quantized_group.h"

namespace sparrow::kernels::avx512 {
namespace {

typedef float FloatLanes __attribute__((vector_size(64)));
typedef int32_t IntLanes __attribute__((vector_size(64)));

__m512i magnitudes(__m512 v) {
  return _mm512_and_si512(_mm512_castps_si512(v), _mm512_set1_epi32(0x7fffffff));
}

void store_bytes(int8_t* out, __m512i v) {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(out), _mm512_cvtepi32_epi8(v));
}

// As integers, magnitudes of floats are in order, NaN above infinity.
float largest_magnitude(const float* x) {
  return __builtin_bit_cast(
      float, _mm512_reduce_max_epi32(_mm512_max_epi32(magnitudes(_mm512_loadu_ps(x)),
                                                      magnitudes(_mm512_loadu_ps(x + 16)))));
}

// Group `group` of a block, whose scale is still its largest magnitude. Gives whether it is wide.
bool quantize_group(const float* x, float limit, int64_t group, QuantizedBlock& block,
                    LowPlane& plane) {
  const GroupRounding rounding = rounding_of(block.scales[group], limit);
  int32_t high_sums[2] = {0, 0};
  int32_t low_sums[2] = {0, 0};
  for (int half = 0; half < 2; ++half) {
    __m512i q = _mm512_setzero_si512();
    if (rounding.inverse != 0.0f) {
      const __m512 values = _mm512_loadu_ps(x + 16 * half);
      q = _mm512_cvtps_epi32(_mm512_mul_ps(values, _mm512_set1_ps(rounding.inverse)));
    }
    __m512i upper = q;
    if (rounding.is_wide) {
      // The low byte as it is, -128 to 127, and what then remains.
      upper = _mm512_srai_epi32(_mm512_add_epi32(q, _mm512_set1_epi32(128)), 8);
      const __m512i lower = _mm512_sub_epi32(q, _mm512_slli_epi32(upper, 8));
      store_bytes(plane.low + group * kQuantGroup + 16 * half, lower);
      low_sums[half] = _mm512_reduce_add_epi32(lower);
    }
    store_bytes(block.high + group * kQuantGroup + 16 * half, upper);
    high_sums[half] = _mm512_reduce_add_epi32(upper);
  }
  note_group(block, plane, group, rounding, high_sums, low_sums);
  return rounding.is_wide;
}

}  // namespace

void quantize(const QuantizeArgs& args) { quantize_row<largest_magnitude, quantize_group>(args); }

void convert_q4_0_f32(int8_t* codes, uint16_t* scales, const float* x, int64_t count) {
  round_to_q4_0<FloatLanes, IntLanes>(codes, scales, x, count);
}

}  // namespace sparrow::kernels::avx512
