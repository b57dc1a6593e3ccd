// Q4_0: 32 values of 4 bits around zero with one scale.
#include "tensor/formats/reference.h"

namespace sparrow {

void dequantize_q4_0(const std::byte* blocks, float* out, int64_t block_count) {
  for (int64_t i = 0; i < block_count; ++i) {
    const BlockQ4_0 block = load_block<BlockQ4_0>(blocks, i);
    const float d = f16_to_f32(block.d);
    for (int j = 0; j < kSmallBlock; ++j) {
      const int q = nibble(block.qs, j);
      out[i * kSmallBlock + j] = d * static_cast<float>(q - 8);
    }
  }
}

}  // namespace sparrow
