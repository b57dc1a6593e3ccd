// Quantization of activations, as kernel_table.h defines it.
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

// Group `group` of a block, whose scale is still its largest magnitude.
void quantize_group(const float* x, float limit, int64_t group, QuantizedBlock& block,
                    int8_t* low) {
  constexpr float kLargestFinite = 3.40282347e38f;
  const int64_t first = group * kQuantGroup;
  const float largest = block.scales[group];
  const bool in_16_bits = largest > limit;
  const float steps = in_16_bits ? 32512.0f : 127.0f;
  const bool is_finite = largest <= kLargestFinite;
  // Below this the inverse would be infinite; such a group is zero.
  const bool is_zero = largest < 1e-30f;
  const float inverse = is_finite && !is_zero ? steps / largest : 0.0f;
  const float scale = is_zero ? 0.0f : largest / steps;
  int32_t sums[2] = {0, 0};
  for (int64_t i = 0; i < kQuantGroup; ++i) {
    const int value = inverse == 0.0f ? 0 : nearest(x[i] * inverse);
    sums[i / 16] += value;
    if (!in_16_bits) {
      block.high[first + i] = static_cast<int8_t>(value);
    } else {
      const int high = (value + 128) >> 8;
      block.high[first + i] = static_cast<int8_t>(high);
      low[first + i] = static_cast<int8_t>(value - 256 * high);
    }
  }
  block.in_16_bits[group] = in_16_bits ? 1 : 0;
  block.scales[group] = scale;
  for (int64_t half = 0; half < 2; ++half) {
    block.minus_sums16[2 * group + half] = -sums[half];
    block.scaled_sums16[2 * group + half] = scale * static_cast<float>(sums[half]);
  }
  block.minus_sums32[group] = -(sums[0] + sums[1]);
  block.scaled_sums32[group] = scale * static_cast<float>(sums[0] + sums[1]);
}

}  // namespace

void quantize(const QuantizeArgs& a) {
  const int64_t groups = a.count / kQuantGroup;
  float total = 0;
  for (int64_t i = 0; i < groups; ++i) {
    QuantizedBlock& block = a.blocks[i / kQuantBlockGroups * a.stride];
    const float largest = largest_magnitude(a.x + i * kQuantGroup);
    block.scales[i % kQuantBlockGroups] = largest;
    total += largest;
  }
  const float limit = kOutlierFactor * total / static_cast<float>(groups);
  for (int64_t i = 0; i < groups; ++i) {
    const int64_t at = i / kQuantBlockGroups * a.stride;
    quantize_group(a.x + i * kQuantGroup, limit, i % kQuantBlockGroups, a.blocks[at],
                   a.low + at * kQuantBlock);
  }
}

}  // namespace sparrow::kernels::scalar
