// Products of f32 with packed weights of plain numbers (kernels/kernel_table.h). A lane is a row of
// the weight, in two ways with the same bits:
//   few rows of x: four tiles side by side, each number widened once, at the speed of memory (the
//   hardware follows their four streams by itself);
//   many rows: kFloatPart numbers of 32 rows are widened into a panel in the L1 cache and
//   multiplied with 12 rows of x at once: 24 sums and the operands fill the 32 registers.
#include <immintrin.h>

#include <cstddef>

#include "kernels/avx512/table.h"
#include "kernels/packed_walk.h"

namespace sparrow::kernels::avx512 {
namespace {

constexpr int kFew = 4;       // rows of x that the direct way takes at once
constexpr int kFewTiles = 4;  // that it reads side by side
constexpr int kColumns = 12;  // rows of x in one tile of the panel way
constexpr int64_t kPanelRows = 2 * kTileRows;
constexpr int64_t kMostRows = 512;  // of x that the panel way takes at once

// Numbers k and k + 1 of a tile's rows, `at` being where those are; k is even.
struct F32 {
  static constexpr int64_t kBytes = 4;
  static void two(const uint8_t* at, __m512& first, __m512& second) {
    first = _mm512_loadu_ps(at);
    second = _mm512_loadu_ps(at + 64);
  }
};
struct F16 {
  static constexpr int64_t kBytes = 2;
  static void two(const uint8_t* at, __m512& first, __m512& second) {
    first = _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(at)));
    second = _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(at + 32)));
  }
};
struct BF16 {
  static constexpr int64_t kBytes = 2;
  static void two(const uint8_t* at, __m512& first, __m512& second) {
    const __m512i pairs = _mm512_loadu_si512(at);
    first = _mm512_castsi512_ps(_mm512_slli_epi32(pairs, 16));
    second = _mm512_castsi512_ps(
        _mm512_and_si512(pairs, _mm512_set1_epi32(static_cast<int>(0xffff0000))));
  }
};

void store(const FloatMatmulArgs& a, int64_t i, int64_t j, __m512 values) {
  const int64_t rows = a.n - j;
  const auto mask = static_cast<__mmask16>(rows >= kTileRows ? 0xffff : (1 << rows) - 1);
  _mm512_mask_storeu_ps(out_row(a, i) + j, mask, values);
}

// All kM rows of x times kT tiles from row j of the weight.
template <typename Format, int kM, int kT>
void few_rows(const FloatMatmulArgs& a, int64_t j) {
  const uint8_t* w[kT];
  const float* x[kM];
  __m512 totals[kM][kT];
  for (int t = 0; t < kT; ++t) w[t] = a.w + (j / kTileRows + t) * a.tile_bytes;
  for (int m = 0; m < kM; ++m) {
    x[m] = x_of(a, m);
    for (int t = 0; t < kT; ++t) totals[m][t] = _mm512_setzero_ps();
  }
  for (int64_t part = 0; part < a.k; part += kFloatPart) {
    __m512 sums[kM][kT];
    for (int m = 0; m < kM; ++m) {
      for (int t = 0; t < kT; ++t) sums[m][t] = _mm512_setzero_ps();
    }
    for (int64_t k = part; k < part_end(a, part); k += 2) {
      __m512 first[kT];
      __m512 second[kT];
      for (int t = 0; t < kT; ++t) {
        const uint8_t* at = w[t] + k * kTileRows * Format::kBytes;
        Format::two(at, first[t], second[t]);
      }
      for (int m = 0; m < kM; ++m) {
        const __m512 x_first = _mm512_set1_ps(x[m][k]);
        const __m512 x_second = _mm512_set1_ps(x[m][k + 1]);
        for (int t = 0; t < kT; ++t) {
          sums[m][t] = _mm512_fmadd_ps(x_first, first[t], sums[m][t]);
          sums[m][t] = _mm512_fmadd_ps(x_second, second[t], sums[m][t]);
        }
      }
    }
    for (int m = 0; m < kM; ++m) {
      for (int t = 0; t < kT; ++t) totals[m][t] = _mm512_add_ps(totals[m][t], sums[m][t]);
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

// A part of 32 rows in f32, and the same part of some rows of x, which may lie a power of two
// apart.
struct Panel {
  alignas(64) float weights[kFloatPart][kPanelRows];
  alignas(64) float x[kColumns][kFloatPart];
};

template <typename Format>
void fill_weights(Panel& panel, int64_t half, const uint8_t* tile, int64_t part, int64_t count) {
  for (int64_t k = 0; k < count; k += 2) {
    const uint8_t* at = tile + (part + k) * kTileRows * Format::kBytes;
    for (int64_t line = 0; line < 2 * kTileRows * Format::kBytes; line += 64)
      prefetch(at + kFloatPart * kTileRows * Format::kBytes + line);
    __m512 first;
    __m512 second;
    Format::two(at, first, second);
    _mm512_store_ps(panel.weights[k] + half * kTileRows, first);
    _mm512_store_ps(panel.weights[k + 1] + half * kTileRows, second);
  }
}

// Stays one load for both of its uses.
inline __m512 broadcast(const float& x) {
  __m512 all;
  asm volatile("vbroadcastss %1, %0" : "=v"(all) : "m"(x));
  return all;
}

using PanelSums = float[kPanelRows];

// Rows [i, i + kC) of x, whose first is `first`, times the panel.
template <int kC>
[[gnu::noinline]] void add_panel(PanelSums* results, Panel& panel, const FloatMatmulArgs& a,
                                 int64_t i, int64_t part, int64_t count) {
  for (int c = 0; c < kC; ++c) {
    const float* x = x_of(a, i + c) + part;
    for (int64_t k = 0; k < count; k += kTileRows)
      _mm512_store_ps(panel.x[c] + k, _mm512_loadu_ps(x + k));
  }
  __m512 sums[kC][2];
#pragma GCC unroll 12
  for (int c = 0; c < kC; ++c) sums[c][0] = sums[c][1] = _mm512_setzero_ps();
  for (int64_t k = 0; k < count; ++k) {
    const __m512 first = _mm512_load_ps(panel.weights[k]);
    const __m512 second = _mm512_load_ps(panel.weights[k] + kTileRows);
#pragma GCC unroll 12
    for (int c = 0; c < kC; ++c) {
      const __m512 x = broadcast(panel.x[c][k]);
      sums[c][0] = _mm512_fmadd_ps(x, first, sums[c][0]);
      sums[c][1] = _mm512_fmadd_ps(x, second, sums[c][1]);
    }
  }
#pragma GCC unroll 12
  for (int c = 0; c < kC; ++c) {
    for (int h = 0; h < 2; ++h) {
      float* result = results[c] + h * kTileRows;
      _mm512_store_ps(result, _mm512_add_ps(_mm512_load_ps(result), sums[c][h]));
    }
  }
}

// Rows [first, first + count) of x times rows [j, j + 32) of the weight.
template <typename Format>
void multiply_panels(const FloatMatmulArgs& a, int64_t first, int64_t count, int64_t j) {
  Panel panel;
  const int64_t tiles = (count + kColumns - 1) / kColumns;
  alignas(64) PanelSums results[kMostRows];
  __builtin_memset(results, 0, static_cast<std::size_t>(count) * sizeof results[0]);
  const uint8_t* tile = a.w + j / kTileRows * a.tile_bytes;
  const bool has_two = a.n - j > kTileRows;
  // A last tile that stands alone is multiplied twice, and once stored.
  const uint8_t* second = has_two ? tile + a.tile_bytes : tile;
  for (int64_t part = 0; part < a.k; part += kFloatPart) {
    const int64_t values = part_end(a, part) - part;
    fill_weights<Format>(panel, 0, tile, part, values);
    fill_weights<Format>(panel, 1, second, part, values);
    // Tiles of equal size: the last few rows by themselves would wait for their own sums.
    for (int64_t t = 0; t < tiles; ++t) {
      const int64_t i = count * t / tiles;
      with_count<kColumns>(count * (t + 1) / tiles - i, [&]<int kC>() {
        add_panel<kC>(results + i, panel, a, first + i, part, values);
      });
    }
  }
  for (int64_t i = 0; i < count; ++i) {
    store(a, first + i, j, _mm512_load_ps(results[i]));
    if (has_two) store(a, first + i, j + kTileRows, _mm512_load_ps(results[i] + kTileRows));
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
  for (int64_t j = 0; j < a.n; j += kPanelRows) {
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

}  // namespace sparrow::kernels::avx512
