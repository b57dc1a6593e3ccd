// The kernels for processors with AVX2 and AVX-VNNI but without AVX-512: those of avx2 but for
// packed products.
#pragma once

#include "kernels/kernel_table.h"

namespace sparrow::kernels::avx_vnni {

extern const KernelTable kTable;

PackedMatmul find_packed_matmul(uint32_t gguf_id);
int64_t probe_products(int64_t rounds);

}  // namespace sparrow::kernels::avx_vnni
