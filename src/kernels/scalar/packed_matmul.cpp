// The definition of products of quantized activations with packed weights, one value at a time:
// what kernel_table.h says, read off line by line. Slow; the fast folders are compared with it.
#include "kernels/scalar/packed_formats.h"
#include "kernels/scalar/table.h"

namespace sparrow::kernels::scalar {
namespace {

// t of kernel_table.h: 32 bytes of x times group `part` of block w of a weight, row `row`.
template <typename Format>
float dot(const int8_t* x, const uint8_t* w, int row, int part) {
  constexpr int kCount = kQuantGroup / Format::kGroup;
  float t = 0;
  for (int sub = 0; sub < kCount; ++sub) {
    int32_t sum = 0;
    for (int i = 0; i < Format::kGroup; ++i) {
      const int value = sub * Format::kGroup + i;
      const int code = Format::code(w, row, part * static_cast<int>(kQuantGroup) + value);
      sum += x[value] * (code - Format::kOffset);
    }
    const float scale = Format::scale(w, row, part * kCount + sub);
    t = sub == 0 ? static_cast<float>(sum) * scale
                 : __builtin_fmaf(static_cast<float>(sum), scale, t);
  }
  return t;
}

// Where group `group` of a row of tiles lies: its weight's block, and which part of it.
template <typename Format>
struct Place {
  const uint8_t* w;
  int part;
  Place(const uint8_t* tile, int64_t group)
      : w(tile + group * kQuantGroup / Format::kValues * kTileRows * Format::kBytes),
        part(static_cast<int>(group % (Format::kValues / kQuantGroup))) {}
};

// Groups [first, first + count) of a row: block `at` of x.
template <typename Format>
float add_block(float out, const QuantizedRows& rows, int64_t at, const uint8_t* tile, int row,
                int64_t first, int64_t count) {
  const QuantizedBlock& x = rows.blocks[at];
  const LowPlane& plane = rows.low[at];
  constexpr int kCount = kQuantGroup / Format::kGroup;
  for (int64_t g = 0; g < count; ++g) {
    const Place<Format> place(tile, first + g);
    const float t = dot<Format>(x.high + g * kQuantGroup, place.w, row, place.part);
    out = __builtin_fmaf(t, x.scales[g], out);
    if constexpr (Format::kHasMin) {
      for (int sub = 0; sub < kCount; ++sub) {
        const float sum = kCount == 1 ? x.sums32[g] : x.sums16[2 * g + sub];
        out = __builtin_fmaf(Format::min(place.w, row, place.part * kCount + sub), sum, out);
      }
    }
  }
  for (int64_t g = 0; g < count; ++g) {
    if ((rows.wide[at] >> g & 1) == 0) continue;
    const Place<Format> place(tile, first + g);
    const float t = dot<Format>(plane.low + g * kQuantGroup, place.w, row, place.part);
    out = __builtin_fmaf(t, x.scales[g] / 256, out);
  }
  return out;
}

template <typename Format>
void packed_matmul(const PackedMatmulArgs& a) {
  const int64_t groups = a.k / kQuantGroup;
  for (int64_t i = 0; i < a.m; ++i) {
    const int64_t x_row = a.x_rows != nullptr ? a.x_rows[i] : i;
    float* out = a.out + (a.out_rows != nullptr ? a.out_rows[i] : i) * a.out_stride;
    for (int64_t j = 0; j < a.n; ++j) {
      const uint8_t* tile = a.w + j / kTileRows * a.tile_bytes;
      const int row = static_cast<int>(j % kTileRows);
      float value = 0;
      for (int64_t first = 0; first < groups; first += kQuantBlockGroups) {
        const int64_t at = first / kQuantBlockGroups * a.x.rows + x_row;
        const int64_t left = groups - first;
        value = add_block<Format>(value, a.x, at, tile, row, first,
                                  left < kQuantBlockGroups ? left : kQuantBlockGroups);
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
