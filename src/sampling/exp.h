// exp for weights of a softmax: no call, so loops over the vocabulary become vector instructions,
// and the same bits on every machine, whatever its C library.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <span>

namespace sparrow {

// exp(x) for x <= 0, -inf included; relative error below 2e-7 down to -87.3, where f32's normal
// numbers end, and 0 from -88 on.
// exp(x) = 2^n * exp(r) with |r| <= ln(2) / 2, by the Taylor polynomial of degree 7.
inline float exp_of_negative(float x) {
  constexpr float kLog2E = 1.44269504f;
  constexpr float kLn2High = 0.693359375f;  // few bits: its products with n are exact
  constexpr float kLn2Low = -2.12194440e-4f;
  constexpr float kRound = 12582912.0f;  // 1.5 * 2^23: adding it rounds to an integer
  // At -88, n is -127 and the bits of 2^n are those of 0. Bits are compared, because a comparison
  // of floats, which may trap, keeps a compiler from using vectors.
  constexpr uint32_t kMost = std::bit_cast<uint32_t>(88.0f);
  const uint32_t size = std::bit_cast<uint32_t>(x) & 0x7fffffffu;
  const float inside = -std::bit_cast<float>(size < kMost ? size : kMost);
  const float n = (inside * kLog2E + kRound) - kRound;
  const float r = (inside - n * kLn2High) - n * kLn2Low;
  float p = 1.0f / 5040;
  p = p * r + 1.0f / 720;
  p = p * r + 1.0f / 120;
  p = p * r + 1.0f / 24;
  p = p * r + 1.0f / 6;
  p = p * r + 0.5f;
  p = p * r + 1.0f;
  p = p * r + 1.0f;
  return p * std::bit_cast<float>((static_cast<int32_t>(n) + 127) << 23);
}

// sum(exp(value - highest)) in f64, in a fixed order. `logit_of(item)` gives an item's value.
template <typename Item, typename LogitOf>
double sum_of_exp(std::span<const Item> items, float highest, const LogitOf& logit_of) {
  constexpr float kNothing = -1000;  // its exp is 0
  constexpr size_t kBlock = 64;      // long enough that a compiler does not unroll it instead
  constexpr size_t kLanes = 8;
  double sums[kLanes] = {};
  for (size_t i = 0; i < items.size(); i += kBlock) {
    const size_t count = std::min(kBlock, items.size() - i);
    float weights[kBlock];
    for (size_t j = 0; j < count; ++j) weights[j] = logit_of(items[i + j]) - highest;
    for (size_t j = count; j < kBlock; ++j) weights[j] = kNothing;
    for (size_t j = 0; j < kBlock; ++j) weights[j] = exp_of_negative(weights[j]);
    for (size_t j = 0; j < kBlock; j += kLanes)
      for (size_t lane = 0; lane < kLanes; ++lane)
        sums[lane] += static_cast<double>(weights[j + lane]);
  }
  double total = 0;
  for (const double sum : sums) total += sum;
  return total;
}

}  // namespace sparrow
