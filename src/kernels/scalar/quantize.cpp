// Quantization of activations and of the cache, as kernel_table.h defines it.
#include "kernels/q4_rounding.h"
#include "kernels/quantized_group.h"
#include "kernels/scalar/half.h"
#include "kernels/scalar/table.h"

namespace sparrow::kernels::scalar {
namespace {

// To the nearest integer, ties to even, by a number so large that f32 keeps no fraction beside it.
// |x| < 2^22.
int nearest(float x) {
  constexpr float kRound = 12582912.0f;
  return static_cast<int>(bits(x + kRound)) - static_cast<int>(bits(kRound));
}

// The largest magnitude, or a NaN if there is one.
float largest_magnitude(const float* x) {
  uint32_t largest = 0;
  for (int64_t i = 0; i < kQuantGroup; ++i) {
    const uint32_t magnitude = bits(x[i]) & 0x7fffffffu;
    largest = magnitude > largest ? magnitude : largest;  // orders floats, NaN above infinity
  }
  return from_bits(largest);
}

// Group `group` of a block, whose scale is still its largest magnitude. Gives whether it is wide.
bool quantize_group(const float* x, float limit, int64_t group, QuantizedBlock& block,
                    LowPlane& plane) {
  const GroupRounding rounding = rounding_of(block.scales[group], limit);
  int8_t* high = block.high + group * kQuantGroup;
  int8_t* low = plane.low + group * kQuantGroup;
  int32_t high_sums[2] = {0, 0};
  int32_t low_sums[2] = {0, 0};
  for (int64_t i = 0; i < kQuantGroup; ++i) {
    const int q = rounding.inverse == 0.0f ? 0 : nearest(x[i] * rounding.inverse);
    const int upper = rounding.is_wide ? (q + 128) >> 8 : q;
    high[i] = static_cast<int8_t>(upper);
    high_sums[i / 16] += upper;
    if (!rounding.is_wide) continue;
    low[i] = static_cast<int8_t>(q - 256 * upper);
    low_sums[i / 16] += q - 256 * upper;
  }
  note_group(block, plane, group, rounding, high_sums, low_sums);
  return rounding.is_wide;
}

}  // namespace

void quantize(const QuantizeArgs& args) { quantize_row<largest_magnitude, quantize_group>(args); }

void convert_q8_0_f32(int8_t* codes, uint16_t* scales, const float* x, int64_t count) {
  for (int64_t group = 0; group < count / kQuantGroup; ++group) {
    const int64_t first = group * kQuantGroup;
    scales[group] = half_bits(largest_magnitude(x + first) / 127);
    const float scale = half_value(scales[group]);
    const float inverse = scale > 0 && scale <= 65504 ? 1 / scale : 0.0f;
    for (int64_t i = first; i < first + kQuantGroup; ++i) {
      // Beyond 127 only where the scale is a subnormal half.
      const float code = x[i] * inverse;
      const float bounded = code > 127 ? 127.0f : code < -127 ? -127.0f : code;
      codes[i] = inverse == 0 ? 0 : static_cast<int8_t>(nearest(bounded));
    }
  }
}

void convert_q4_0_f32(int8_t* codes, uint16_t* scales, const float* x, int64_t count) {
  round_to_q4_0<Lanes, IntLanes>(codes, scales, x, count);
}

}  // namespace sparrow::kernels::scalar
