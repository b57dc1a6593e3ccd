// The two 16-bit float encodings and f32: IEEE half (f16) and bfloat16 (the top half of an f32).
#pragma once

#include <bit>
#include <cstdint>

namespace sparrow {

// Exact for every value; a NaN keeps its sign and payload.
inline float f16_to_f32(uint16_t half) {
  const uint32_t sign = static_cast<uint32_t>(half & 0x8000u) << 16;
  const uint32_t exponent = (half >> 10) & 0x1fu;
  const uint32_t fraction = half & 0x3ffu;
  if (exponent == 0) {  // zero and subnormals: a multiple of 2^-24
    const float magnitude = static_cast<float>(fraction) * 0x1p-24f;
    return std::bit_cast<float>(std::bit_cast<uint32_t>(magnitude) | sign);
  }
  if (exponent == 31) return std::bit_cast<float>(sign | 0x7f800000u | fraction << 13);
  return std::bit_cast<float>(sign | (exponent + 112) << 23 | fraction << 13);
}

// Rounds to nearest, ties to even; beyond 65504 + half a step becomes infinity; a NaN stays a NaN
// (quiet, upper payload bits kept).
inline uint16_t f32_to_f16(float value) {
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  const uint32_t sign = (bits >> 16) & 0x8000u;
  const uint32_t magnitude = bits & 0x7fffffffu;
  if (magnitude > 0x7f800000u) {
    return static_cast<uint16_t>(sign | 0x7e00u | ((magnitude >> 13) & 0x3ffu));
  }
  if (magnitude >= 0x47800000u) return static_cast<uint16_t>(sign | 0x7c00u);  // 2^16 and above
  if (magnitude < 0x33000000u) return static_cast<uint16_t>(sign);             // below 2^-25
  // `kept` is the result's bits before rounding, `dropped` what lies `shift` bits below them.
  uint32_t significand = magnitude;
  uint32_t shift = 13;
  uint32_t kept = 0;
  if (magnitude >= 0x38800000u) {  // normal: rebias by 112; a carry runs into the exponent rightly
    kept = (magnitude - (112u << 23)) >> 13;
  } else {  // subnormal: the hidden one joins, and 2^-24 becomes the last place
    significand = (magnitude & 0x7fffffu) | 0x800000u;
    shift = 126 - (magnitude >> 23);
    kept = significand >> shift;
  }
  const uint32_t dropped = significand & ((1u << shift) - 1);
  const uint32_t half_way = 1u << (shift - 1);
  const bool rounds_up = dropped > half_way || (dropped == half_way && (kept & 1u) != 0);
  return static_cast<uint16_t>(sign | (kept + (rounds_up ? 1 : 0)));
}

inline float bf16_to_f32(uint16_t value) {
  return std::bit_cast<float>(static_cast<uint32_t>(value) << 16);
}

// Rounds to nearest, ties to even; a NaN stays a NaN (made quiet).
inline uint16_t f32_to_bf16(float value) {
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  if ((bits & 0x7fffffffu) > 0x7f800000u) return static_cast<uint16_t>((bits >> 16) | 0x40u);
  return static_cast<uint16_t>((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16);
}

}  // namespace sparrow
