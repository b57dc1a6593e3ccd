// What an instruction set must offer: one plain struct of function pointers, filled in
// kernels/<isa>/table.cpp. The comments here are the contract; the scalar folder is the definition.
//
// Every kernel takes pointers, sizes and strides (in elements). It allocates nothing, starts no
// thread, keeps no state and cannot fail. One result must not depend on how many others are
// computed in the same call: each has its own accumulators and one fixed order of operations, so
// the caller may split work any way it likes along rows, never along k.
#pragma once

#include <cstdint>

namespace sparrow::kernels {

// Longest stretch of k that one matmul call sums up. Longer rows are a sum of such parts in
// ascending order: part of the definition of a dot product here, the same for every caller.
inline constexpr int64_t kMatmulPart = 512;

// Activations are quantized in groups of this many values that share one scale.
inline constexpr int64_t kQuantGroup = 32;

// A group whose largest magnitude is more than this many times the mean of its row's groups takes
// 16 bits. Few do, and they make most of the error: on qwen2.5-coder 0.5B 6 % of the groups leave
// 0.0003 of a KL divergence of 0.0007 (docs/packed_weights.md).
inline constexpr float kOutlierFactor = 2.0f;

// Rows of a weight that stand side by side in a packed tile (tensor/packing.h).
inline constexpr int64_t kTileRows = 16;

// Keys in one attention tile. Tiles start at multiples of this in a sequence's positions.
inline constexpr int64_t kKeyTile = 32;

// The cache keeps this many positions together: their keys channel by channel, [head_size][16], so
// that a vector lane is a position; their values position by position, [16][head_size].
inline constexpr int64_t kKeyGroup = 16;

// The largest head of attention.
inline constexpr int64_t kMaxHeadSize = 1024;

struct MatmulArgs {
  float* out;  // row i starts at out + out_rows[i] * out_stride
  int64_t out_stride;
  const int32_t* out_rows;  // null: row i is i
  const float* x;           // row i starts at x + x_rows[i] * x_stride
  int64_t x_stride;
  const int32_t* x_rows;  // null: row i is i
  int64_t m;              // rows of x
  const float* w;         // row j starts at w + j * w_stride
  int64_t w_stride;
  int64_t n;        // rows of w
  int64_t k;        // callers split rows longer than kMatmulPart
  bool accumulate;  // add to out instead of setting it
};

// Groups of quantized activations that stand together.
inline constexpr int64_t kQuantBlockGroups = 8;
inline constexpr int64_t kQuantBlock = kQuantBlockGroups * kQuantGroup;

// 256 values of one row of quantized activations, with all that a product needs to know of them.
// Value i is scales[i / 32] * high[i], and where the group is wide, in 16 bits, another
// scales[i / 32] / 256 * low[i] (LowPlane). Groups behind the end of a row are not set.
struct alignas(64) QuantizedBlock {
  int8_t high[kQuantBlock];
  float scales[kQuantBlockGroups];
  float sums32[kQuantBlockGroups];          // of 32 values
  float sums16[2 * kQuantBlockGroups];      // of 16 values
  int32_t minus_sums32[kQuantBlockGroups];  // - sum of 32 of `high`
  int32_t minus_sums16[2 * kQuantBlockGroups];
};

// What the wide groups of a block have besides; elsewhere it is not set.
struct alignas(64) LowPlane {
  int8_t low[kQuantBlock];
  int32_t minus_sums32[kQuantBlockGroups];
  int32_t minus_sums16[2 * kQuantBlockGroups];
};

// Block b of row i is number b * rows + i: what many rows need at one time stands together.
struct QuantizedRows {
  const QuantizedBlock* blocks;
  const LowPlane* low;  // of each block
  const uint8_t* wide;  // of each block; bit g: group g is in 16 bits
  int64_t rows;
};

// The same, to be written for one row.
struct QuantizeArgs {
  const float* x;
  int64_t count;  // of the row; a multiple of 32
  QuantizedBlock* blocks;
  LowPlane* low;
  uint8_t* wide;
  int64_t stride;  // from one block of the row to its next, in blocks
};

// Rows of x, in a form that says where they are, times packed weights.
template <typename Rows>
struct TileMatmulArgs {
  float* out;  // row i starts at out + out_rows[i] * out_stride
  int64_t out_stride;
  const int32_t* out_rows;  // null: row i is i
  Rows x;
  const int32_t* x_rows;  // null: row i is i
  int64_t m;              // rows of x
  const uint8_t* w;       // packed tiles, one behind the other
  int64_t tile_bytes;
  int64_t n;  // rows of w, from the first of the first tile
  int64_t k;  // of plain numbers a multiple of kPackedFloats (tensor/packing.h)
};

// Quantized activations times packed weights.
//
// A weight of a format with groups of g values (16 or 32) is S * (code - offset) + Z, with S and Z
// of its group in f32. Of 32 bytes b of x that share a scale d, result j takes
//   t = float(sum of b * (code - offset)) * S                         where g is 32, or
//   t = fma(float(sum over the last 16) , S2, float(sum over the first 16) * S1)   where g is 16;
//   out = fma(t, d, out).
// It starts from out = 0 and takes, block of 256 values by block: each group's `high` in ascending
// order, after each for each Z of the group out = fma(Z, sum of the values, out); then each wide
// group's `low` in ascending order. Sums of integers are exact, so every instruction set that keeps
// this order gives the same bits.
using PackedMatmulArgs = TileMatmulArgs<QuantizedRows>;
using PackedMatmul = void (*)(const PackedMatmulArgs& args);

// Rows of f32: row i begins at values + i * stride.
struct FloatRows {
  const float* values;
  int64_t stride;
};

// Rows of f32 times packed weights of F32, F16 or BF16 (pairs of neighbours stand together there).
//
// k is cut into parts of kFloatPart values. Of each part, from 0 and in ascending order,
//   sum = fma(x, w, sum);
// parts are added to the result in ascending order, from 0.
inline constexpr int64_t kFloatPart = 128;

using FloatMatmulArgs = TileMatmulArgs<FloatRows>;
using FloatMatmul = void (*)(const FloatMatmulArgs& args);

// Rows of bf16 numbers: part b of row i begins at values + (b * rows + i) * kFloatPart, so that
// what many rows need at one time stands together.
struct Bf16Rows {
  const uint16_t* values;
  int64_t rows;
};

// The same for x and weights in bf16. Of each two neighbours the second is added first,
//   sum = fma(x[k + 1], w[k + 1], sum), sum = fma(x[k], w[k], sum);
// what is nearer to 0 than 2^-126 counts as 0 on the way.
using Bf16MatmulArgs = TileMatmulArgs<Bf16Rows>;
using Bf16Matmul = void (*)(const Bf16MatmulArgs& args);

// Processors with tiles have another order, for any number of rows: of each kBf16TileStep values
//   even = fma(x[k], w[k], even), odd = fma(x[k + 1], w[k + 1], odd)
// from 0 and in ascending order; then even + odd is added to the result.
inline constexpr int64_t kBf16TileStep = 32;

// Queries that look at the same keys: all heads of a group for some consecutive positions.
// Query i is head i % group of row i / group.
struct AttentionTileArgs {
  float* out;              // [rows][group][head_size]: unnormalised sums of values so far
  const float* q;          // [rows][group][head_size]
  int64_t out_row_stride;  // from one row to the next; heads stand side by side
  int64_t q_row_stride;
  float* largest;  // [rows * group] largest score so far, -inf at the start
  float* weight;   // [rows * group] sum of exp(score - largest) so far, 0 at the start
  int64_t rows;
  int64_t group;
  int64_t head_size;
  // Numbers of the cache's type. A group that no row sees may be any memory of its size.
  const void* keys[kKeyTile / kKeyGroup];    // each [head_size][kKeyGroup]
  const void* values[kKeyTile / kKeyGroup];  // each [kKeyGroup][head_size]
  // What comes after this tile, to be asked for while this one is computed with; any memory.
  const void* next_keys[kKeyTile / kKeyGroup];
  const void* next_values[kKeyTile / kKeyGroup];
  // [rows] how many keys of this tile row i may see, 0 to kKeyTile, ascending.
  const int32_t* visible;
  float scale;  // of the scores
};

struct KernelTable {
  const char* isa;

  // out[i][j] (= or +=) sum over k of x[i][k] * w[j][k].
  void (*matmul_f32_f32_f32)(const MatmulArgs& args);

  // One row. Each group of 32: step = largest magnitude / 127 (wide: / 32512), q = x times the
  // inverse of that, rounded to nearest even. A group is wide if its largest magnitude exceeds
  // kOutlierFactor * (sum of all groups' largest, ascending) / groups; then q = 256 * high + low,
  // low from -128 to 127, and its scale is 256 * step. A group with a NaN or an infinity has q = 0
  // and that scale, so its results are NaN; none of its row is wide.
  void (*quantize)(const QuantizeArgs& args);

  // The product for weights of GGUF type `gguf_id`; null where the type has no packed form here.
  PackedMatmul (*find_packed_matmul)(uint32_t gguf_id);

  // The same for a type of plain numbers.
  FloatMatmul (*find_float_matmul)(uint32_t gguf_id);

  // The product for weights of BF16 and x rounded to it; null where it would not be quicker.
  Bf16Matmul bf16_matmul;

  // out[i] = x[i] / sqrt(mean(x²) + epsilon) * w[i], one row of `count`.
  void (*rms_norm_f32)(float* out, const float* x, const float* w, int64_t count, float epsilon);

  // out[i] += x[i].
  void (*add_f32)(float* out, const float* x, int64_t count);

  // out[i] += x[i] * factor.
  void (*add_scaled_f32)(float* out, const float* x, float factor, int64_t count);

  // out[i] = x[i] * factor.
  void (*scale_f32)(float* out, const float* x, float factor, int64_t count);

  // out[i] = gate[i] / (1 + exp(-gate[i])) * up[i]. `out` may be `gate`.
  void (*silu_mul_f32)(float* out, const float* gate, const float* up, int64_t count);

  // x[i] = exp(x[i]).
  void (*exp_f32)(float* x, int64_t count);

  // x[i] = exp(x[i] - max(x)) / sum, one row.
  void (*softmax_f32)(float* x, int64_t count);

  // Rotates the pairs of one head by the angles whose cosines and sines are given, [pairs] each.
  void (*rope_halves_f32)(float* x, const float* cosines, const float* sines,
                          int64_t pairs);  // pair i is (i, i + pairs)
  void (*rope_pairs_f32)(float* x, const float* cosines, const float* sines,
                         int64_t pairs);  // pair i is (2i, 2i + 1)

  // Turns x by Sylvester's Hadamard matrix H over sqrt(n), part by part of n values, n the largest
  // power of two that divides `count`: sums and differences of values 1, 2, 4 … apart, then a
  // factor. Twice is x again; products of two turned rows are those of the rows.
  void (*hadamard_f32)(float* x, int64_t count);

  // Merges one tile of keys into the running softmax of each query; one function a type of cache.
  // A tile is finished on its own (largest score, sum of weights, sum of values), then merged.
  void (*attention_tile_f32)(const AttentionTileArgs& args);
  void (*attention_tile_f16)(const AttentionTileArgs& args);
  void (*attention_tile_bf16)(const AttentionTileArgs& args);
  // Groups as in q8_cache.h and q4_cache.h; heads of 32 i channels.
  void (*attention_tile_q8_0)(const AttentionTileArgs& args);
  void (*attention_tile_q4_0)(const AttentionTileArgs& args);

  // Round to nearest even; NaN stays NaN.
  void (*convert_f16_f32)(uint16_t* out, const float* x, int64_t count);
  void (*convert_bf16_f32)(uint16_t* out, const float* x, int64_t count);
  // Each 32 values: their scale is largest magnitude / 127, rounded to f16; codes are values *
  // (1 / scale) to the nearest even, at most 127. Where that scale is no number, codes are 0.
  void (*convert_q8_0_f32)(int8_t* codes, uint16_t* scales, const float* x, int64_t count);
  // Each 32 values: a scale, perhaps negative, that leaves a small squared error (q4_rounding.h);
  // codes, one a byte, are the indices of the kIq4Values nearest to values * (1 / scale). Where the
  // scale is too large for f16, or a value no number, the scale is NaN.
  void (*convert_q4_0_f32)(int8_t* codes, uint16_t* scales, const float* x, int64_t count);
  void (*convert_f32_f16)(float* out, const uint16_t* x, int64_t count);
  void (*convert_f32_bf16)(float* out, const uint16_t* x, int64_t count);

  // The machine's limits, for a bench. Multiplies and adds as fast as packed products could at
  // best, in registers; gives how many products that were, a few dozen a round.
  int64_t (*probe_products)(int64_t rounds);
  // Reads `count` bytes and does nothing with them.
  void (*probe_read)(const void* bytes, int64_t count);

  // A quicker dequantization for GGUF type `gguf_id` with exactly the bits of its reference; null
  // where there is none.
  void (*(*find_dequantize)(uint32_t gguf_id))(const void* blocks, float* out, int64_t block_count);
};

}  // namespace sparrow::kernels
