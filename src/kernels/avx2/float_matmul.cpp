// Products of f32 with packed weights of plain numbers (kernels/kernel_table.h). A lane is a row of
// the weight, in two ways with the same bits:
//   few rows of x: two tiles side by side, each number widened once, at the speed of memory;
//   many rows: kFloatPart numbers of one tile are widened into a panel in the L1 cache and
//   multiplied with six rows of x at once: 12 sums and the operands fill the 16 registers.
#include <cstddef>

#include "kernels/avx2/lanes.h"
#include "kernels/avx2/table.h"
#include "kernels/packed_walk.h"

namespace sparrow::kernels::avx2 {
namespace {

constexpr int kFew = 2;                      // rows of x that the direct way takes at once
constexpr int kFewTiles = 2;                 // that it reads side by side
constexpr int kColumns = 6;                  // rows of x in one tile of the panel way
constexpr int64_t kMostRows = 512;           // of x that the panel way takes at once
constexpr int kHalves = kTileRows / kLanes;  // registers that hold a number of each row

// Number k, and then k + 1, of a tile's rows; `at` is where those are, k is even.
using Two = __m256[2][kHalves];

struct F32 {
  static constexpr int64_t kBytes = 4;
  static void two(const uint8_t* at, Two& out) {
    for (int i = 0; i < 2 * kHalves; ++i)
      out[i / kHalves][i % kHalves] = _mm256_loadu_ps(reinterpret_cast<const float*>(at) + 8 * i);
  }
};
struct F16 {
  static constexpr int64_t kBytes = 2;
  static void two(const uint8_t* at, Two& out) {
    for (int i = 0; i < 2 * kHalves; ++i) {
      out[i / kHalves][i % kHalves] =
          _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(at) + i));
    }
  }
};
struct BF16 {
  static constexpr int64_t kBytes = 2;
  static void two(const uint8_t* at, Two& out) {
    for (int h = 0; h < kHalves; ++h) {
      const __m256i pairs = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(at) + h);
      out[0][h] = _mm256_castsi256_ps(_mm256_slli_epi32(pairs, 16));
      out[1][h] = _mm256_castsi256_ps(
          _mm256_and_si256(pairs, _mm256_set1_epi32(static_cast<int>(0xffff0000))));
    }
  }
};

// The result of row i for the tile of rows from j.
void store(const FloatMatmulArgs& a, int64_t i, int64_t j, const __m256 (&values)[kHalves]) {
  float* out = out_row(a, i) + j;
  for (int h = 0; h < kHalves; ++h)
    _mm256_maskstore_ps(out + h * kLanes, mask_lanes(a.n - j - h * kLanes), values[h]);
}

// All kM rows of x times kT tiles from row j of the weight.
template <typename Format, int kM, int kT>
void few_rows(const FloatMatmulArgs& a, int64_t j) {
  const uint8_t* w[kT];
  const float* x[kM];
  __m256 totals[kM][kT][kHalves];
  for (int t = 0; t < kT; ++t) w[t] = a.w + (j / kTileRows + t) * a.tile_bytes;
  for (int m = 0; m < kM; ++m) {
    x[m] = x_of(a, m);
    for (int t = 0; t < kT; ++t) {
      for (int h = 0; h < kHalves; ++h) totals[m][t][h] = _mm256_setzero_ps();
    }
  }
  for (int64_t part = 0; part < a.k; part += kFloatPart) {
    __m256 sums[kM][kT][kHalves];
    for (int m = 0; m < kM; ++m) {
      for (int t = 0; t < kT; ++t) {
        for (int h = 0; h < kHalves; ++h) sums[m][t][h] = _mm256_setzero_ps();
      }
    }
    for (int64_t k = part; k < part_end(a, part); k += 2) {
      for (int t = 0; t < kT; ++t) {
        const uint8_t* at = w[t] + k * kTileRows * Format::kBytes;
        Two weights;
        Format::two(at, weights);
        for (int m = 0; m < kM; ++m) {
          for (int next = 0; next < 2; ++next) {
            const __m256 number = _mm256_set1_ps(x[m][k + next]);
            for (int h = 0; h < kHalves; ++h)
              sums[m][t][h] = _mm256_fmadd_ps(number, weights[next][h], sums[m][t][h]);
          }
        }
      }
    }
    for (int m = 0; m < kM; ++m) {
      for (int t = 0; t < kT; ++t) {
        for (int h = 0; h < kHalves; ++h)
          totals[m][t][h] = _mm256_add_ps(totals[m][t][h], sums[m][t][h]);
      }
    }
  }
  for (int m = 0; m < kM; ++m) {
    for (int t = 0; t < kT; ++t) store(a, m, j + t * kTileRows, totals[m][t]);
  }
}

template <typename Format, int kM>
void few_rows_all_tiles(const FloatMatmulArgs& a) {
  int64_t j = 0;
  for (; a.n - j > (kFewTiles - 1) * kTileRows; j += kFewTiles * kTileRows)
    few_rows<Format, kM, kFewTiles>(a, j);
  for (; j < a.n; j += kTileRows) few_rows<Format, kM, 1>(a, j);
}

// A part of a tile in f32, and the same part of some rows of x, which may lie a power of two apart.
struct Panel {
  alignas(32) float weights[kFloatPart][kTileRows];
  alignas(32) float x[kColumns][kFloatPart];
};

template <typename Format>
void fill_weights(Panel& panel, const uint8_t* tile, int64_t part, int64_t count) {
  for (int64_t k = 0; k < count; k += 2) {
    const uint8_t* at = tile + (part + k) * kTileRows * Format::kBytes;
    for (int64_t line = 0; line < 2 * kTileRows * Format::kBytes; line += 64)
      prefetch(at + kFloatPart * kTileRows * Format::kBytes + line);
    Two weights;
    Format::two(at, weights);
    for (int next = 0; next < 2; ++next) {
      for (int h = 0; h < kHalves; ++h)
        _mm256_store_ps(panel.weights[k + next] + h * kLanes, weights[next][h]);
    }
  }
}

// Stays one load for both of its uses.
inline __m256 broadcast(const float& x) {
  __m256 all;
  asm volatile("vbroadcastss %1, %0" : "=x"(all) : "m"(x));
  return all;
}

using PanelSums = float[kTileRows];

// Rows [i, i + kC) of x, of which the first has its sums at `results`, times the panel.
template <int kC>
[[gnu::noinline]] void add_panel(PanelSums* results, Panel& panel, const FloatMatmulArgs& a,
                                 int64_t i, int64_t part, int64_t count) {
  for (int c = 0; c < kC; ++c) {
    const float* x = x_of(a, i + c) + part;
    for (int64_t k = 0; k < count; k += kLanes)
      _mm256_store_ps(panel.x[c] + k, _mm256_loadu_ps(x + k));
  }
  __m256 sums[kC][kHalves];
#pragma GCC unroll 6
  for (int c = 0; c < kC; ++c) sums[c][0] = sums[c][1] = _mm256_setzero_ps();
  for (int64_t k = 0; k < count; ++k) {
    const __m256 first = _mm256_load_ps(panel.weights[k]);
    const __m256 second = _mm256_load_ps(panel.weights[k] + kLanes);
#pragma GCC unroll 6
    for (int c = 0; c < kC; ++c) {
      const __m256 x = broadcast(panel.x[c][k]);
      sums[c][0] = _mm256_fmadd_ps(x, first, sums[c][0]);
      sums[c][1] = _mm256_fmadd_ps(x, second, sums[c][1]);
    }
  }
#pragma GCC unroll 6
  for (int c = 0; c < kC; ++c) {
    for (int h = 0; h < kHalves; ++h) {
      float* result = results[c] + h * kLanes;
      _mm256_store_ps(result, _mm256_add_ps(_mm256_load_ps(result), sums[c][h]));
    }
  }
}

// Rows [first, first + count) of x times the tile of rows from j of the weight.
template <typename Format>
void multiply_panels(const FloatMatmulArgs& a, int64_t first, int64_t count, int64_t j) {
  Panel panel;
  const int64_t tiles = (count + kColumns - 1) / kColumns;
  alignas(32) PanelSums results[kMostRows];
  __builtin_memset(results, 0, static_cast<std::size_t>(count) * sizeof results[0]);
  const uint8_t* tile = a.w + j / kTileRows * a.tile_bytes;
  for (int64_t part = 0; part < a.k; part += kFloatPart) {
    const int64_t values = part_end(a, part) - part;
    fill_weights<Format>(panel, tile, part, values);
    // Tiles of equal size: the last few rows by themselves would wait for their own sums.
    for (int64_t t = 0; t < tiles; ++t) {
      const int64_t i = count * t / tiles;
      with_count<kColumns>(count * (t + 1) / tiles - i, [&]<int kC>() {
        add_panel<kC>(results + i, panel, a, first + i, part, values);
      });
    }
  }
  for (int64_t i = 0; i < count; ++i) {
    const __m256 values[kHalves] = {_mm256_load_ps(results[i]),
                                    _mm256_load_ps(results[i] + kLanes)};
    store(a, first + i, j, values);
  }
}

template <typename Format>
void float_matmul(const FloatMatmulArgs& a) {
  if (a.m <= 0) return;
  if (a.m <= kFew) {
    with_count<kFew>(a.m, [&]<int kM>() { few_rows_all_tiles<Format, kM>(a); });
    return;
  }
  const int64_t parts = (a.m + kMostRows - 1) / kMostRows;
  for (int64_t j = 0; j < a.n; j += kTileRows) {
    for (int64_t part = 0; part < parts; ++part) {
      const int64_t first = a.m * part / parts;
      multiply_panels<Format>(a, first, a.m * (part + 1) / parts - first, j);
    }
  }
}

}  // namespace

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

}  // namespace sparrow::kernels::avx2
