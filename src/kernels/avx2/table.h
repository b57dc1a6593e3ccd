// The kernels for processors with AVX2, FMA and F16C. Entries that this folder does not have are
// the scalar ones.
#pragma once

#include "kernels/kernel_table.h"

namespace sparrow::kernels::avx2 {

extern const KernelTable kTable;

PackedMatmul find_packed_matmul(uint32_t gguf_id);
FloatMatmul find_float_matmul(uint32_t gguf_id);
void quantize(const QuantizeArgs& args);
void convert_q4_0_f32(int8_t* codes, uint16_t* scales, const float* x, int64_t count);
void attention_tile_f32(const AttentionTileArgs& args);
void attention_tile_f16(const AttentionTileArgs& args);
void attention_tile_bf16(const AttentionTileArgs& args);
void attention_tile_q8_0(const AttentionTileArgs& args);
void attention_tile_q4_0(const AttentionTileArgs& args);
void rms_norm_f32(float* out, const float* x, const float* w, int64_t count, float epsilon);
void add_f32(float* out, const float* x, int64_t count);
void add_scaled_f32(float* out, const float* x, float factor, int64_t count);
void scale_f32(float* out, const float* x, float factor, int64_t count);
void silu_mul_f32(float* out, const float* gate, const float* up, int64_t count);
void exp_f32(float* x, int64_t count);
void softmax_f32(float* x, int64_t count);
void hadamard_f32(float* x, int64_t count);
int64_t probe_products(int64_t rounds);
void probe_read(const void* bytes, int64_t count);

}  // namespace sparrow::kernels::avx2
