// The definition of products of quantized activations with packed weights, one value at a time:
// what kernel_table.h says, read off line by line. Slow; the fast folders are compared with it.
#include "kernels/scalar/packed_formats.h"
#include "kernels/scalar/table.h"

namespace sparrow::kernels::scalar {
namespace {

int q(const QuantizedBlock& x, const int8_t* low, int index) {
  return x.in_16_bits[index / kQuantGroup] == 0 ? x.high[index] : 256 * x.high[index] + low[index];
}

// Adds the product of group `place` of block x with the same 32 values of row `row` of a weight:
// number `part` of the weight's block w.
template <typename Format>
float add_group(float out, const QuantizedBlock& x, const int8_t* low, int place, const uint8_t* w,
                int row, int part) {
  constexpr int kCount = kQuantGroup / Format::kGroup;
  float t = 0;
  for (int sub = 0; sub < kCount; ++sub) {
    int32_t sum = 0;
    for (int i = 0; i < Format::kGroup; ++i) {
      const int value = sub * Format::kGroup + i;
      const int code = Format::code(w, row, part * static_cast<int>(kQuantGroup) + value);
      sum += q(x, low, place * static_cast<int>(kQuantGroup) + value) * (code - Format::kOffset);
    }
    const float scale = Format::scale(w, row, part * kCount + sub);
    t = sub == 0 ? static_cast<float>(sum) * scale
                 : __builtin_fmaf(static_cast<float>(sum), scale, t);
  }
  out = __builtin_fmaf(t, x.scales[place], out);
  if constexpr (Format::kHasMin) {
    for (int sub = 0; sub < kCount; ++sub) {
      const float sum = kCount == 1 ? x.scaled_sums32[place] : x.scaled_sums16[2 * place + sub];
      out = __builtin_fmaf(Format::min(w, row, part * kCount + sub), sum, out);
    }
  }
  return out;
}

template <typename Format>
void packed_matmul(const PackedMatmulArgs& a) {
  for (int64_t i = 0; i < a.m; ++i) {
    const int64_t x_row = a.x_rows != nullptr ? a.x_rows[i] : i;
    float* out = a.out + (a.out_rows != nullptr ? a.out_rows[i] : i) * a.out_stride;
    for (int64_t j = 0; j < a.n; ++j) {
      const uint8_t* tile = a.w + j / kTileRows * a.tile_bytes;
      float value = 0;
      for (int64_t group = 0; group < a.k / kQuantGroup; ++group) {
        const int64_t at = group / kQuantBlockGroups * a.x.rows + x_row;
        const int64_t block = group * kQuantGroup / Format::kValues;
        value = add_group<Format>(value, a.x.blocks[at], a.x.low + at * kQuantBlock,
                                  static_cast<int>(group % kQuantBlockGroups),
                                  tile + block * kTileRows * Format::kBytes,
                                  static_cast<int>(j % kTileRows),
                                  static_cast<int>(group % (Format::kValues / kQuantGroup)));
      }
      out[j] = value;
    }
  }
}

}  // namespace

PackedMatmul find_packed_matmul(uint32_t gguf_id) {
  switch (gguf_id) {
    case 2:
      return packed_matmul<Q4_0>;
    case 3:
      return packed_matmul<Q4_1>;
    case 6:
      return packed_matmul<Q5_0>;
    case 7:
      return packed_matmul<Q5_1>;
    case 8:
      return packed_matmul<Q8_0>;
    case 10:
      return packed_matmul<Q2_K>;
    case 11:
      return packed_matmul<Q3_K>;
    case 12:
      return packed_matmul<Q4_K>;
    case 13:
      return packed_matmul<Q5_K>;
    case 14:
      return packed_matmul<Q6_K>;
    case 20:
      return packed_matmul<IQ4_NL>;
    case 23:
      return packed_matmul<IQ4_XS>;
    default:
      return nullptr;
  }
}

}  // namespace sparrow::kernels::scalar
