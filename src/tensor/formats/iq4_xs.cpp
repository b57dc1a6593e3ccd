// IQ4_XS: 256 indices of 4 bits into an uneven code book; 8 sub-blocks, each with a 6-bit scale.
#include "tensor/formats/reference.h"

namespace sparrow {

void dequantize_iq4_xs(const std::byte* blocks, float* out, int64_t block_count) {
  for (int64_t i = 0; i < block_count; ++i) {
    const BlockIQ4_XS block = load_block<BlockIQ4_XS>(blocks, i);
    const float d = f16_to_f32(block.d);
    float* values = out + i * kSuperBlock;
    for (int j = 0; j < kSuperBlock; ++j) {
      const int sub_block = j / 32;
      const int q = kIq4Values[nibble(block.qs + 16 * sub_block, j % 32)];
      values[j] = d * static_cast<float>(iq4_xs_scale(block, sub_block)) * static_cast<float>(q);
    }
  }
}

}  // namespace sparrow
