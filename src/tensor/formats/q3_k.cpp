// Q3_K: 256 values of 3 bits around zero; 16 sub-blocks, each with a 6-bit scale.
#include "tensor/formats/reference.h"

namespace sparrow {

void dequantize_q3_k(const std::byte* blocks, float* out, int64_t block_count) {
  for (int64_t i = 0; i < block_count; ++i) {
    const BlockQ3_K block = load_block<BlockQ3_K>(blocks, i);
    const float d = f16_to_f32(block.d);
    float* values = out + i * kSuperBlock;
    for (int j = 0; j < kSuperBlock; ++j) {
      const int half = j / 128, group = j % 128 / 32, lane = j % 32;
      const int low = (block.qs[32 * half + lane] >> (2 * group)) & 3;
      const int high = (block.hmask[lane] >> (4 * half + group)) & 1;
      const int q = low + 4 * high - 4;
      values[j] = d * static_cast<float>(q3_k_scale(block.scales, j / 16)) * static_cast<float>(q);
    }
  }
}

}  // namespace sparrow
