// BF16: the upper half of an f32.
#include "tensor/formats/reference.h"

namespace sparrow {

void dequantize_bf16(const std::byte* blocks, float* out, int64_t block_count) {
  for (int64_t i = 0; i < block_count; ++i) out[i] = bf16_to_f32(load_block<uint16_t>(blocks, i));
}

}  // namespace sparrow
