// F32: 32-bit floats, little-endian as in memory.
#include "tensor/formats/reference.h"

namespace sparrow {

void dequantize_f32(const std::byte* blocks, float* out, int64_t block_count) {
  std::memcpy(out, blocks, static_cast<size_t>(block_count) * sizeof(float));
}

}  // namespace sparrow
