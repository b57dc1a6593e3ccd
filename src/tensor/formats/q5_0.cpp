// Q5_0: 32 values of 5 bits around zero with one scale.
#include "tensor/formats/reference.h"

namespace sparrow {

void dequantize_q5_0(const std::byte* blocks, float* out, int64_t block_count) {
  for (int64_t i = 0; i < block_count; ++i) {
    const BlockQ5_0 block = load_block<BlockQ5_0>(blocks, i);
    const float d = f16_to_f32(block.d);
    for (int j = 0; j < kSmallBlock; ++j) {
      const int fifth = (block.qh[j / 8] >> (j % 8)) & 1;
      const int q = nibble(block.qs, j) | fifth << 4;
      out[i * kSmallBlock + j] = d * static_cast<float>(q - 16);
    }
  }
}

}  // namespace sparrow
