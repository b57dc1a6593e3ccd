// What every instruction set's quantization has in common: how a row is walked, how a group is
// rounded, and what is noted of it. kernel_table.h says what it means.
#pragma once

#include "kernels/kernel_table.h"

namespace sparrow::kernels {
namespace {

struct GroupRounding {
  bool is_wide;
  float step;     // q = 1 stands for it
  float inverse;  // 0: the group is zero, or no number
};

// `largest` is the group's largest magnitude, perhaps a NaN.
inline GroupRounding rounding_of(float largest, float limit) {
  constexpr float kLargestFinite = 3.40282347e38f;
  constexpr float kSmallest = 1e-30f;  // below, the inverse would be infinite
  const bool is_wide = largest > limit;
  const float steps = is_wide ? 32512.0f : 127.0f;
  const bool is_zero = largest < kSmallest;
  const bool is_finite = largest <= kLargestFinite;
  return {is_wide, is_zero ? 0.0f : largest / steps,
          is_finite && !is_zero ? steps / largest : 0.0f};
}

// The sums of the group's halves in each plane; those of `low` are 0 where it is not wide.
inline void note_group(QuantizedBlock& block, LowPlane& plane, int64_t group,
                       const GroupRounding& rounding, const int32_t (&high)[2],
                       const int32_t (&low)[2]) {
  const int32_t unit = rounding.is_wide ? 256 : 1;  // steps of `high`
  block.scales[group] = rounding.step * static_cast<float>(unit);
  int32_t total = 0;
  for (int64_t half = 0; half < 2; ++half) {
    const int32_t sum = unit * high[half] + low[half];
    total += sum;
    block.minus_sums16[2 * group + half] = -high[half];
    block.sums16[2 * group + half] = rounding.step * static_cast<float>(sum);
  }
  block.minus_sums32[group] = -(high[0] + high[1]);
  block.sums32[group] = rounding.step * static_cast<float>(total);
  if (!rounding.is_wide) return;
  plane.minus_sums16[2 * group] = -low[0];
  plane.minus_sums16[2 * group + 1] = -low[1];
  plane.minus_sums32[group] = -(low[0] + low[1]);
}

// One row, by an instruction set's own two functions. quantize_group gives whether the group is
// wide; until then its scale is its largest magnitude.
template <float (*largest_magnitude)(const float* x),
          bool (*quantize_group)(const float* x, float limit, int64_t group, QuantizedBlock& block,
                                 LowPlane& plane)>
inline void quantize_row(const QuantizeArgs& a) {
  const int64_t groups = a.count / kQuantGroup;
  float total = 0;
  for (int64_t i = 0; i < groups; ++i) {
    QuantizedBlock& block = a.blocks[i / kQuantBlockGroups * a.stride];
    const float largest = largest_magnitude(a.x + i * kQuantGroup);
    block.scales[i % kQuantBlockGroups] = largest;
    total += largest;
  }
  const float limit = kOutlierFactor * total / static_cast<float>(groups);
  for (int64_t first = 0; first < groups; first += kQuantBlockGroups) {
    const int64_t at = first / kQuantBlockGroups * a.stride;
    const int64_t left = groups - first;
    uint32_t wide = 0;
    for (int64_t g = 0; g < left && g < kQuantBlockGroups; ++g) {
      const float* x = a.x + (first + g) * kQuantGroup;
      if (quantize_group(x, limit, g, a.blocks[at], a.low[at])) wide |= 1u << g;
    }
    a.wide[at] = static_cast<uint8_t>(wide);
  }
}

}  // namespace
}  // namespace sparrow::kernels
