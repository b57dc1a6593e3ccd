// IQ4_NL: 32 indices of 4 bits into an uneven code book, with one scale.
#include "tensor/formats/reference.h"

namespace sparrow {

void dequantize_iq4_nl(const std::byte* blocks, float* out, int64_t block_count) {
  for (int64_t i = 0; i < block_count; ++i) {
    const BlockIQ4_NL block = load_block<BlockIQ4_NL>(blocks, i);
    const float d = f16_to_f32(block.d);
    for (int j = 0; j < kSmallBlock; ++j) {
      const int q = kIq4Values[nibble(block.qs, j)];
      out[i * kSmallBlock + j] = d * static_cast<float>(q);
    }
  }
}

}  // namespace sparrow
