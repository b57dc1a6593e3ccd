// Q4_1: 32 values of 4 bits with a scale and a minimum.
#include "tensor/formats/reference.h"

namespace sparrow {

void dequantize_q4_1(const std::byte* blocks, float* out, int64_t block_count) {
  for (int64_t i = 0; i < block_count; ++i) {
    const BlockQ4_1 block = load_block<BlockQ4_1>(blocks, i);
    const float d = f16_to_f32(block.d);
    const float m = f16_to_f32(block.m);
    for (int j = 0; j < kSmallBlock; ++j) {
      const int q = nibble(block.qs, j);
      out[i * kSmallBlock + j] = d * static_cast<float>(q) + m;
    }
  }
}

}  // namespace sparrow
