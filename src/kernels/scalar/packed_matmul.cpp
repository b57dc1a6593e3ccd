// The definition of products of quantized activations with packed weights, one value at a time:
// what kernel_table.h says, read off line by line. Slow; the fast folders are compared with it.
#include "kernels/scalar/packed_formats.h"
#include "kernels/scalar/table.h"

namespace sparrow::kernels::scalar {
namespace {

int q(const QuantizedRows& x, int64_t index) {
  return x.low == nullptr ? x.high[index] : 256 * x.high[index] + x.low[index];
}

// The groups of 32 values of one row of x from `group32` on that one block of the weight covers.
template <typename Format>
float add_block(float out, const PackedMatmulArgs& a, int64_t x_row, int64_t block,
                const uint8_t* w, int row) {
  const int64_t groups = a.k / kQuantGroup;
  for (int part = 0; part < Format::kValues / kQuantGroup; ++part) {
    const int64_t group = block * (Format::kValues / kQuantGroup) + part;
    constexpr int kCount = kQuantGroup / Format::kGroup;
    float t = 0;
    for (int sub = 0; sub < kCount; ++sub) {
      int32_t sum = 0;
      for (int i = 0; i < Format::kGroup; ++i) {
        const int value = sub * Format::kGroup + i;
        const int code = Format::code(w, row, part * static_cast<int>(kQuantGroup) + value);
        sum += q(a.x, x_row * a.k + group * kQuantGroup + value) * (code - Format::kOffset);
      }
      const float scale = Format::scale(w, row, part * kCount + sub);
      t = sub == 0 ? static_cast<float>(sum) * scale
                   : __builtin_fmaf(static_cast<float>(sum), scale, t);
    }
    out = __builtin_fmaf(t, a.x.scales[x_row * groups + group], out);
    if constexpr (Format::kHasMin) {
      for (int sub = 0; sub < kCount; ++sub) {
        const float sum = kCount == 1 ? a.x.scaled_sums32[x_row * groups + group]
                                      : a.x.scaled_sums16[(x_row * groups + group) * 2 + sub];
        out = __builtin_fmaf(Format::min(w, row, part * kCount + sub), sum, out);
      }
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
      for (int64_t block = 0; block < a.k / Format::kValues; ++block) {
        value = add_block<Format>(value, a, x_row, block, tile + block * kTileRows * Format::kBytes,
                                  static_cast<int>(j % kTileRows));
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
