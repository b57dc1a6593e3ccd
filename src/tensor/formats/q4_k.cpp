// Q4_K: 256 values of 4 bits; 8 sub-blocks, each with a 6-bit scale and a 6-bit minimum.
#include "tensor/formats/reference.h"

namespace sparrow {

void dequantize_q4_k(const std::byte* blocks, float* out, int64_t block_count) {
  for (int64_t i = 0; i < block_count; ++i) {
    const BlockQ4_K block = load_block<BlockQ4_K>(blocks, i);
    const float d = f16_to_f32(block.d);
    const float dmin = f16_to_f32(block.dmin);
    float* values = out + i * kSuperBlock;
    for (int j = 0; j < kSuperBlock; ++j) {
      const int sub_block = j / 32, lane = j % 32;
      const uint8_t byte = block.qs[32 * (sub_block / 2) + lane];
      const int q = (sub_block % 2 == 0 ? byte & 15 : byte >> 4);
      values[j] =
          d * static_cast<float>(q4_k_scale(block.scales, sub_block)) * static_cast<float>(q) -
          dmin * static_cast<float>(q4_k_min(block.scales, sub_block));
    }
  }
}

}  // namespace sparrow
