// F16: IEEE half precision.
#include "tensor/formats/reference.h"

namespace sparrow {

void dequantize_f16(const std::byte* blocks, float* out, int64_t block_count) {
  for (int64_t i = 0; i < block_count; ++i) out[i] = f16_to_f32(load_block<uint16_t>(blocks, i));
}

}  // namespace sparrow
