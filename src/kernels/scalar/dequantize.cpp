// Dequantization in loops that vectorise, for the formats where it pays.
#include "kernels/scalar/table.h"

namespace sparrow::kernels::scalar {

Dequantize find_dequantize(uint32_t) { return nullptr; }

}  // namespace sparrow::kernels::scalar
