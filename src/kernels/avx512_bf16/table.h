// The kernels for processors with AVX-512 VNNI and BF16: those of avx512, and products of bf16.
#pragma once

#include "kernels/kernel_table.h"

namespace sparrow::kernels::avx512_bf16 {

extern const KernelTable kTable;

void bf16_matmul(const Bf16MatmulArgs& args);

}  // namespace sparrow::kernels::avx512_bf16
