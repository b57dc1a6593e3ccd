// The kernels for processors with AMX (int8 and bf16). Entries that this folder does not have are
// those of AVX-512.
#pragma once

#include "kernels/kernel_table.h"

namespace sparrow::kernels::amx {

extern const KernelTable kTable;

PackedMatmul find_packed_matmul(uint32_t gguf_id);
void bf16_matmul(const Bf16MatmulArgs& args);
int64_t probe_products(int64_t rounds);

}  // namespace sparrow::kernels::amx
