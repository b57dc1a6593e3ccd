// The kernels for processors with AVX-512 (F, BW, VL, DQ) and its VNNI. Entries that this folder
// does not have are the scalar ones.
#pragma once

#include "kernels/kernel_table.h"

namespace sparrow::kernels::avx512 {

extern const KernelTable kTable;

PackedMatmul find_packed_matmul(uint32_t gguf_id);
void quantize(const QuantizeArgs& args);

}  // namespace sparrow::kernels::avx512
