// The 16-bit float encodings in integer arithmetic that vectorises.
#pragma once

#include <cstdint>

#include "kernels/scalar/lanes.h"

namespace sparrow::kernels::scalar {

static inline uint32_t bits(float value) { return __builtin_bit_cast(uint32_t, value); }
static inline float from_bits(uint32_t value) { return __builtin_bit_cast(float, value); }

// Normal halves: rebias the exponent and round the mantissa's lower 13 bits to even. Subnormal
// ones: adding 0.5 lines their last bit up with f32's, so the addition itself rounds.
static inline uint16_t half_bits(float value) {
  const uint32_t sign = bits(value) & 0x80000000u;
  const uint32_t magnitude = bits(value) ^ sign;
  const uint32_t odd = (magnitude >> 13) & 1;
  const uint32_t normal = (magnitude - (112u << 23) + 0xfff + odd) >> 13;
  const uint32_t subnormal = bits(from_bits(magnitude) + 0.5f) - bits(0.5f);
  const uint32_t special = magnitude > 0x7f800000u ? 0x7e00u : 0x7c00u;
  uint32_t result = magnitude < (113u << 23) ? subnormal : normal;
  result = magnitude >= (143u << 23) ? special : result;
  return static_cast<uint16_t>(result | (sign >> 16));
}

// Four halves, one in each word. Normal ones are shifted into place and rebiased, subnormal ones
// are an integer times 2^-24: no f32 subnormal is ever touched, which would cost 100 cycles.
static inline Lanes half_values(WordLanes halves) {
  const WordLanes sign = (halves & 0x8000u) << 16;
  const WordLanes magnitude = halves & 0x7fffu;
  const IntLanes small = reinterpret_cast<IntLanes>(magnitude);
  const WordLanes is_special = reinterpret_cast<WordLanes>(small >= 0x7c00);
  const WordLanes is_subnormal = reinterpret_cast<WordLanes>(small < 0x400);
  const WordLanes normal = (magnitude << 13) + (112u << 23);
  const WordLanes subnormal = as_words(to_floats(small) * 0x1p-24f);
  return as_floats((is_subnormal & subnormal) | (~is_subnormal & normal) |
                   (is_special & 0x7f800000u) | sign);
}

static inline float half_value(uint16_t half) {
  const uint32_t sign = static_cast<uint32_t>(half & 0x8000) << 16;
  const uint32_t magnitude = half & 0x7fff;
  if (magnitude - 0x400 < 0x7c00 - 0x400)
    return from_bits(((magnitude << 13) + (112u << 23)) | sign);
  return half_values(WordLanes{half, 0, 0, 0})[0];
}

// Eight halves, at any alignment.
static inline void expand_halves(float* out, const void* halves) {
  const ShortLanes v = load_shorts(halves);
  store(out, half_values(widen_low(v)));
  store(out + kLanes, half_values(widen_high(v)));
}

static inline uint16_t bfloat_bits(float value) {
  const uint32_t raw = bits(value);
  const uint32_t rounded = (raw + 0x7fff + ((raw >> 16) & 1)) >> 16;
  const uint32_t quiet = (raw >> 16) | 0x40;
  return static_cast<uint16_t>((raw & 0x7fffffffu) > 0x7f800000u ? quiet : rounded);
}

static inline float bfloat_value(uint16_t value) {
  return from_bits(static_cast<uint32_t>(value) << 16);
}

}  // namespace sparrow::kernels::scalar
