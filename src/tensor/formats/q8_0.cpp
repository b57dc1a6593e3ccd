// Q8_0: 32 values of 8 bits with one scale.
#include "tensor/formats/reference.h"

namespace sparrow {

void dequantize_q8_0(const std::byte* blocks, float* out, int64_t block_count) {
  for (int64_t i = 0; i < block_count; ++i) {
    const BlockQ8_0 block = load_block<BlockQ8_0>(blocks, i);
    const float d = f16_to_f32(block.d);
    for (int j = 0; j < kSmallBlock; ++j) {
      const int q = block.qs[j];
      out[i * kSmallBlock + j] = d * static_cast<float>(q);
    }
  }
}

}  // namespace sparrow
