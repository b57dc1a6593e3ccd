#include "kernels/amx/table.h"

#include "kernels/avx512/table.h"
#include "kernels/scalar/table.h"

namespace sparrow::kernels::amx {

const KernelTable kTable = {
    .isa = "amx",
    .matmul_f32_f32_f32 = scalar::matmul_f32_f32_f32,
    .quantize = avx512::quantize,
    .find_packed_matmul = find_packed_matmul,
    .find_float_matmul = avx512::find_float_matmul,
    .bf16_matmul = bf16_matmul,
    .rms_norm_f32 = avx512::rms_norm_f32,
    .add_f32 = avx512::add_f32,
    .add_scaled_f32 = avx512::add_scaled_f32,
    .scale_f32 = avx512::scale_f32,
    .silu_mul_f32 = avx512::silu_mul_f32,
    .exp_f32 = avx512::exp_f32,
    .softmax_f32 = avx512::softmax_f32,
    .rope_halves_f32 = scalar::rope_halves_f32,
    .rope_pairs_f32 = scalar::rope_pairs_f32,
    .hadamard_f32 = avx512::hadamard_f32,
    .attention_tile_f32 = avx512::attention_tile_f32,
    .attention_tile_f16 = avx512::attention_tile_f16,
    .attention_tile_bf16 = avx512::attention_tile_bf16,
    .attention_tile_q8_0 = avx512::attention_tile_q8_0,
    .attention_tile_q4_0 = avx512::attention_tile_q4_0,
    .convert_f16_f32 = scalar::convert_f16_f32,
    .convert_bf16_f32 = avx512::convert_bf16_f32,
    .convert_q8_0_f32 = scalar::convert_q8_0_f32,
    .convert_q4_0_f32 = avx512::convert_q4_0_f32,
    .convert_f32_f16 = scalar::convert_f32_f16,
    .convert_f32_bf16 = scalar::convert_f32_bf16,
    .probe_products = probe_products,
    .probe_read = avx512::probe_read,
    .find_dequantize = scalar::find_dequantize,
};

}  // namespace sparrow::kernels::amx
