// Q6_K: 256 values of 6 bits around zero; 16 sub-blocks, each with an 8-bit scale.
#include "tensor/formats/reference.h"

namespace sparrow {

void dequantize_q6_k(const std::byte* blocks, float* out, int64_t block_count) {
  for (int64_t i = 0; i < block_count; ++i) {
    const BlockQ6_K block = load_block<BlockQ6_K>(blocks, i);
    const float d = f16_to_f32(block.d);
    float* values = out + i * kSuperBlock;
    for (int j = 0; j < kSuperBlock; ++j) {
      const int half = j / 128, group = j % 128 / 32, lane = j % 32;
      const uint8_t low_byte = block.ql[64 * half + 32 * (group % 2) + lane];
      const int low = group < 2 ? low_byte & 15 : low_byte >> 4;
      const int high = (block.qh[32 * half + lane] >> (2 * group)) & 3;
      const int q = (low | high << 4) - 32;
      values[j] = d * static_cast<float>(block.scales[j / 16]) * static_cast<float>(q);
    }
  }
}

}  // namespace sparrow
