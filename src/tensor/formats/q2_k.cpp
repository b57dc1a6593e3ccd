// Q2_K: 256 values of 2 bits; 16 sub-blocks, each with a 4-bit scale and a 4-bit minimum.
#include "tensor/formats/reference.h"

namespace sparrow {

void dequantize_q2_k(const std::byte* blocks, float* out, int64_t block_count) {
  for (int64_t i = 0; i < block_count; ++i) {
    const BlockQ2_K block = load_block<BlockQ2_K>(blocks, i);
    const float d = f16_to_f32(block.d);
    const float dmin = f16_to_f32(block.dmin);
    float* values = out + i * kSuperBlock;
    for (int j = 0; j < kSuperBlock; ++j) {
      const uint8_t scale = block.scales[j / 16];
      const int half = j / 128, group = j % 128 / 32, lane = j % 32;
      const int q = (block.qs[32 * half + lane] >> (2 * group)) & 3;
      values[j] = d * static_cast<float>(scale & 15) * static_cast<float>(q) -
                  dmin * static_cast<float>(scale >> 4);
    }
  }
}

}  // namespace sparrow
