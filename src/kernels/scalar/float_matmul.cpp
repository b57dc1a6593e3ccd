// The plain version of products of f32 with packed weights of plain numbers
// (kernels/kernel_table.h).
#include "kernels/packed_walk.h"
#include "kernels/scalar/half.h"
#include "kernels/scalar/table.h"

namespace sparrow::kernels::scalar {
namespace {

// Number k of row `lane` of a tile.
struct F32 {
  static float value(const uint8_t* tile, int64_t k, int64_t lane) {
    float value;
    __builtin_memcpy(&value, tile + (k * kTileRows + lane) * 4, 4);
    return value;
  }
};
struct F16 {
  static float value(const uint8_t* tile, int64_t k, int64_t lane) {
    uint16_t bits;
    __builtin_memcpy(&bits, tile + (k * kTileRows + lane) * 2, 2);
    return half_value(bits);
  }
};
struct BF16 {
  static float value(const uint8_t* tile, int64_t k, int64_t lane) {
    uint16_t bits;
    __builtin_memcpy(&bits, tile + (k / 2 * kTileRows + lane) * 4 + k % 2 * 2, 2);
    return bfloat_value(bits);
  }
};

template <typename Format>
void float_matmul(const FloatMatmulArgs& a) {
  for (int64_t i = 0; i < a.m; ++i) {
    const float* x = x_of(a, i);
    for (int64_t j = 0; j < a.n; ++j) {
      const uint8_t* tile = a.w + j / kTileRows * a.tile_bytes;
      float total = 0;
      for (int64_t part = 0; part < a.k; part += kFloatPart) {
        float sum = 0;
        for (int64_t k = part; k < part_end(a, part); ++k)
          sum = __builtin_fmaf(x[k], Format::value(tile, k, j % kTileRows), sum);
        total += sum;
      }
      out_row(a, i)[j] = total;
    }
  }
}

}  // namespace

void bf16_matmul(const Bf16MatmulArgs& a) {
  for (int64_t i = 0; i < a.m; ++i) {
    for (int64_t j = 0; j < a.n; ++j) {
      const uint8_t* tile = a.w + j / kTileRows * a.tile_bytes;
      float total = 0;
      for (int64_t part = 0; part < a.k; part += kFloatPart) {
        const uint16_t* x = part_of(a, i, part);
        float sum = 0;
        for (int64_t k = part; k < part_end(a, part); k += 2) {
          for (int64_t at = k + 1; at >= k; --at) {
            const float w = BF16::value(tile, at, j % kTileRows);
            sum = __builtin_fmaf(bfloat_value(x[at - part]), w, sum);
          }
        }
        total += sum;
      }
      out_row(a, i)[j] = total;
    }
  }
}

void bf16_tile_matmul(const Bf16MatmulArgs& a) {
  for (int64_t i = 0; i < a.m; ++i) {
    for (int64_t j = 0; j < a.n; ++j) {
      const uint8_t* tile = a.w + j / kTileRows * a.tile_bytes;
      float total = 0;
      for (int64_t step = 0; step < a.k; step += kBf16TileStep) {
        const uint16_t* x = part_of(a, i, step / kFloatPart * kFloatPart) + step % kFloatPart;
        float sums[2] = {};
        for (int64_t k = 0; k < kBf16TileStep; ++k) {
          const float w = BF16::value(tile, step + k, j % kTileRows);
          sums[k % 2] = __builtin_fmaf(bfloat_value(x[k]), w, sums[k % 2]);
        }
        total += sums[0] + sums[1];
      }
      out_row(a, i)[j] = total;
    }
  }
}

FloatMatmul find_float_matmul(uint32_t gguf_id) {
  switch (gguf_id) {
    case 0:
      return float_matmul<F32>;
    case 1:
      return float_matmul<F16>;
    case 30:
      return float_matmul<BF16>;
    default:
      return nullptr;
  }
}

}  // namespace sparrow::kernels::scalar
