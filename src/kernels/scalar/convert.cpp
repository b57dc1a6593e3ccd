// f32 to and from the two 16-bit float formats.
#include "kernels/scalar/half.h"
#include "kernels/scalar/table.h"

namespace sparrow::kernels::scalar {
void convert_f16_f32(uint16_t* out, const float* x, int64_t count) {
  for (int64_t i = 0; i < count; ++i) out[i] = half_bits(x[i]);
}

void convert_bf16_f32(uint16_t* out, const float* x, int64_t count) {
  for (int64_t i = 0; i < count; ++i) out[i] = bfloat_bits(x[i]);
}

void convert_f32_f16(float* out, const uint16_t* x, int64_t count) {
  int64_t i = 0;
  for (; i + 8 <= count; i += 8) expand_halves(out + i, x + i);
  for (; i < count; ++i) out[i] = half_value(x[i]);
}

void convert_f32_bf16(float* out, const uint16_t* x, int64_t count) {
  for (int64_t i = 0; i < count; ++i) out[i] = bfloat_value(x[i]);
}

}  // namespace sparrow::kernels::scalar
