// How 32 numbers become 4 bits each: what every instruction set's convert_q4_0_f32 has in common.
// Floats is as many floats as a register holds, Ints as many integers. The bits are the same for
// any, because a sum always goes over the same 16 lanes.
//
// Turned keys and values are nearly normal: most are small beside the largest, and kIq4Values has
// its steps where they are. Of normal numbers of variance 1 it leaves a mean squared error of
// 0.0056, where 16 even steps leave 0.0067 with the same search and 0.0074 as the weight format
// Q4_0 is made, with the largest at -8. What that means to a model: docs/performance.md, Quality.
#pragma once

#include "kernels/kernel_table.h"
#include "kernels/scalar/half.h"
#include "tensor/formats/blocks.h"

namespace sparrow::kernels {
namespace {

template <typename Floats, typename Ints>
struct Q4Rounding {
  static constexpr int kLanes = sizeof(Floats) / sizeof(float);
  static constexpr int kVectors = kQuantGroup / kLanes;
  static constexpr int kSumLanes = 16;
  static constexpr int kParts = kSumLanes / kLanes;

  Floats x[kVectors];

  explicit Q4Rounding(const float* numbers) { __builtin_memcpy(x, numbers, sizeof(x)); }

  static float total(const Floats (&parts)[kParts]) {
    scalar::Lanes lanes[kSumLanes / scalar::kLanes];
    __builtin_memcpy(lanes, parts, sizeof(lanes));
    return scalar::sum((lanes[0] + lanes[2]) + (lanes[1] + lanes[3]));
  }

  // Whether v is nearer to value i + 1 than to value i: all bits or none.
  static Ints is_above(Floats v, int i) {
    return v > Floats{} + 0.5f * static_cast<float>(kIq4Values[i] + kIq4Values[i + 1]);
  }

  // The value nearest to each.
  static Floats nearest_value(Floats v) {
    Floats nearest = Floats{} + static_cast<float>(kIq4Values[0]);
#pragma GCC unroll 15
    for (int i = 0; i < 15; ++i) {
      const Floats gap = Floats{} + static_cast<float>(kIq4Values[i + 1] - kIq4Values[i]);
      nearest += reinterpret_cast<Floats>(is_above(v, i) & reinterpret_cast<Ints>(gap));
    }
    return nearest;
  }

  // The number of largest magnitude, the negative one of two; NaN if any is NaN or infinite.
  float extreme() const {
    Floats squares[kParts] = {};
    Floats lowest = x[0];
    Floats highest = x[0];
    for (int i = 0; i < kVectors; ++i) {
      squares[i % kParts] += x[i] * x[i];
      lowest = x[i] < lowest ? x[i] : lowest;
      highest = x[i] > highest ? x[i] : highest;
    }
    scalar::Lanes lows[kLanes / scalar::kLanes];
    scalar::Lanes highs[kLanes / scalar::kLanes];
    __builtin_memcpy(lows, &lowest, sizeof(lows));
    __builtin_memcpy(highs, &highest, sizeof(highs));
    for (const scalar::Lanes& part : lows) lows[0] = part < lows[0] ? part : lows[0];
    for (const scalar::Lanes& part : highs) highs[0] = part > highs[0] ? part : highs[0];
    float low = lows[0][0];
    float high = highs[0][0];
    for (int i = 1; i < scalar::kLanes; ++i) {
      low = lows[0][i] < low ? lows[0][i] : low;
      high = highs[0][i] > high ? highs[0][i] : high;
    }
    const float energy = total(squares);
    return energy - energy != 0 ? energy - energy : high > -low ? high : low;
  }

  // The scale that leaves the smallest squared error of those which are best for the codes that
  // some first guess gives. A guess takes the largest number somewhat inside or beyond -127.
  float best_scale(float extreme_number) const {
    constexpr float kGuesses[] = {0.86f, 0.96f, 1.06f};
    float most = -1;               // of the energy of x explained
    float scale = extreme_number;  // stays where that is no number
    for (const float guess : kGuesses) {
      const float inverse = guess * static_cast<float>(kIq4Values[0]) / extreme_number;
      Floats products[kParts] = {};
      Floats squares[kParts] = {};
      for (int i = 0; i < kVectors; ++i) {
        const Floats value = nearest_value(x[i] * inverse);
        products[i % kParts] += x[i] * value;
        squares[i % kParts] += value * value;
      }
      const float candidate = total(products) / total(squares);
      const float explained = candidate * total(products);
      if (explained > most) scale = candidate;
      if (explained > most) most = explained;
    }
    return scale;
  }

  // Writes the 32 codes; gives the scale.
  uint16_t round(int8_t* codes) const {
    constexpr uint16_t kNaN = 0x7e00;
    constexpr float kNothing = 1e-9f;  // beside the smallest scale
    const float largest = extreme();
    const bool is_nothing = largest > -kNothing && largest < kNothing;
    const uint16_t bits = is_nothing ? 0 : scalar::half_bits(best_scale(largest));
    const float scale = scalar::half_value(bits);
    const bool is_finite = scale - scale == 0;
    const float inverse = is_finite && scale != 0 ? 1 / scale : 0.0f;
    int32_t indices[kQuantGroup];
    for (int i = 0; i < kVectors; ++i) {
      Ints index = {};
#pragma GCC unroll 15
      for (int step = 0; step < 15; ++step) index -= is_above(x[i] * inverse, step);
      __builtin_memcpy(indices + i * kLanes, &index, sizeof(index));
    }
    for (int i = 0; i < kQuantGroup; ++i) codes[i] = static_cast<int8_t>(indices[i]);
    return is_finite ? bits : kNaN;
  }
};

template <typename Floats, typename Ints>
inline void round_to_q4_0(int8_t* codes, uint16_t* scales, const float* x, int64_t count) {
  for (int64_t i = 0; i < count; i += kQuantGroup)
    scales[i / kQuantGroup] = Q4Rounding<Floats, Ints>(x + i).round(codes + i);
}

}  // namespace
}  // namespace sparrow::kernels
