// f32 to and from the two 16-bit float formats, by integer arithmetic that vectorises.
#include "kernels/scalar/table.h"

namespace sparrow::kernels::scalar {
namespace {

uint32_t bits(float value) { return __builtin_bit_cast(uint32_t, value); }
float from_bits(uint32_t value) { return __builtin_bit_cast(float, value); }

// Normal halves: rebias the exponent and round the mantissa's lower 13 bits to even. Subnormal
// ones: adding 0.5 lines their last bit up with f32's, so the addition itself rounds.
uint16_t half_bits(float value) {
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

// A half's bits shifted into place are its value times 2^-112, subnormals included.
float half_value(uint16_t half) {
  const uint32_t sign = static_cast<uint32_t>(half & 0x8000) << 16;
  const uint32_t shifted = static_cast<uint32_t>(half & 0x7fff) << 13;
  const uint32_t scaled = bits(from_bits(shifted) * from_bits(239u << 23));
  const uint32_t special = shifted | 0x7f800000u;
  return from_bits((shifted >= (0x7c00u << 13) ? special : scaled) | sign);
}

uint16_t bfloat_bits(float value) {
  const uint32_t raw = bits(value);
  const uint32_t rounded = (raw + 0x7fff + ((raw >> 16) & 1)) >> 16;
  const uint32_t quiet = (raw >> 16) | 0x40;
  return static_cast<uint16_t>((raw & 0x7fffffffu) > 0x7f800000u ? quiet : rounded);
}

}  // namespace

void convert_f16_f32(uint16_t* out, const float* x, int64_t count) {
  for (int64_t i = 0; i < count; ++i) out[i] = half_bits(x[i]);
}

void convert_bf16_f32(uint16_t* out, const float* x, int64_t count) {
  for (int64_t i = 0; i < count; ++i) out[i] = bfloat_bits(x[i]);
}

void convert_f32_f16(float* out, const uint16_t* x, int64_t count) {
  for (int64_t i = 0; i < count; ++i) out[i] = half_value(x[i]);
}

void convert_f32_bf16(float* out, const uint16_t* x, int64_t count) {
  for (int64_t i = 0; i < count; ++i) out[i] = from_bits(static_cast<uint32_t>(x[i]) << 16);
}

}  // namespace sparrow::kernels::scalar
