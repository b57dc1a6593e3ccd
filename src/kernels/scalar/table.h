// The scalar kernels: portable code that the compiler vectorises. They define what every other
// instruction set is tested against.
#pragma once

#include "kernels/kernel_table.h"

namespace sparrow::kernels::scalar {

extern const KernelTable kTable;

void matmul_f32_f32_f32(const MatmulArgs& args);
void quantize(const QuantizeArgs& args);
PackedMatmul find_packed_matmul(uint32_t gguf_id);
FloatMatmul find_float_matmul(uint32_t gguf_id);
void bf16_matmul(const Bf16MatmulArgs& args);
void bf16_tile_matmul(const Bf16MatmulArgs& args);  // what a processor with tiles gives
void rms_norm_f32(float* out, const float* x, const float* w, int64_t count, float epsilon);
void add_f32(float* out, const float* x, int64_t count);
void add_scaled_f32(float* out, const float* x, float factor, int64_t count);
void scale_f32(float* out, const float* x, float factor, int64_t count);
void silu_mul_f32(float* out, const float* gate, const float* up, int64_t count);
void exp_f32(float* x, int64_t count);
void softmax_f32(float* x, int64_t count);
int64_t probe_products(int64_t rounds);
void probe_read(const void* bytes, int64_t count);
void rope_halves_f32(float* x, const float* cosines, const float* sines, int64_t pairs);
void rope_pairs_f32(float* x, const float* cosines, const float* sines, int64_t pairs);
void hadamard_f32(float* x, int64_t count);
void attention_tile_f32(const AttentionTileArgs& args);
void attention_tile_f16(const AttentionTileArgs& args);
void attention_tile_bf16(const AttentionTileArgs& args);
void attention_tile_q8_0(const AttentionTileArgs& args);
void attention_tile_q4_0(const AttentionTileArgs& args);
void convert_f16_f32(uint16_t* out, const float* x, int64_t count);
void convert_bf16_f32(uint16_t* out, const float* x, int64_t count);
void convert_q8_0_f32(int8_t* codes, uint16_t* scales, const float* x, int64_t count);
void convert_q4_0_f32(int8_t* codes, uint16_t* scales, const float* x, int64_t count);
void convert_f32_f16(float* out, const uint16_t* x, int64_t count);
void convert_f32_bf16(float* out, const uint16_t* x, int64_t count);

using Dequantize = void (*)(const void* blocks, float* out, int64_t block_count);
Dequantize find_dequantize(uint32_t gguf_id);

}  // namespace sparrow::kernels::scalar
