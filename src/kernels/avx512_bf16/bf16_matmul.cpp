// Products of bf16 by VDPBF16PS (kernels/kernel_table.h): a lane is a row of the weight, whose
// pairs of neighbours are multiplied as they stand in the packed tiles. Two ways with the same
// bits:
//   few rows of x: four tiles side by side, at the speed of memory;
//   many rows: a part of 32 rows of the weight stays in the L1 cache for all rows of x, 12 of which
//   are multiplied at once: 24 sums and the operands fill the 32 registers.
#include <immintrin.h>

#include <cstddef>

#include "kernels/avx512_bf16/table.h"
#include "kernels/packed_walk.h"

namespace sparrow::kernels::avx512_bf16 {
namespace {

constexpr int kFew = 4;       // rows of x that the direct way takes at once
constexpr int kFewTiles = 4;  // that it reads side by side
constexpr int kColumns = 12;  // rows of x in one tile of the other way
constexpr int64_t kPanelRows = 2 * kTileRows;
constexpr int64_t kMostRows = 512;             // of x that the other way takes at once
constexpr int64_t kPairs = kFloatPart / 2;     // of one part
constexpr int64_t kPairBytes = kTileRows * 4;  // of all rows of a tile

inline __m512i load_pairs(const uint8_t* at) { return _mm512_loadu_si512(at); }

// Stays one load for all of its uses.
inline __m512i broadcast(const uint16_t* pair) {
  __m512i all;
  asm volatile("vpbroadcastd %1, %0" : "=v"(all) : "m"(*reinterpret_cast<const uint32_t*>(pair)));
  return all;
}

inline void add_pairs(__m512& sum, __m512i w, __m512i x) {
  asm volatile("vdpbf16ps %2, %1, %0" : "+v"(sum) : "v"(w), "v"(x));
}

void store(const Bf16MatmulArgs& a, int64_t i, int64_t j, __m512 values) {
  const int64_t rows = a.n - j;
  const auto mask = static_cast<__mmask16>(rows >= kTileRows ? 0xffff : (1 << rows) - 1);
  _mm512_mask_storeu_ps(out_row(a, i) + j, mask, values);
}

// All kM rows of x times kT tiles from row j of the weight.
template <int kM, int kT>
void few_rows(const Bf16MatmulArgs& a, int64_t j) {
  __m512 totals[kM][kT];
  for (int m = 0; m < kM; ++m) {
    for (int t = 0; t < kT; ++t) totals[m][t] = _mm512_setzero_ps();
  }
  const uint8_t* w = a.w + j / kTileRows * a.tile_bytes;
  for (int64_t part = 0; part < a.k; part += kFloatPart) {
    const int64_t count = part_end(a, part) - part;
    const uint16_t* x[kM];
    for (int m = 0; m < kM; ++m) x[m] = part_of(a, m, part);
    __m512 sums[kM][kT];
    for (int m = 0; m < kM; ++m) {
      for (int t = 0; t < kT; ++t) sums[m][t] = _mm512_setzero_ps();
    }
    for (int64_t pair = 0; pair < count / 2; ++pair) {
      const uint8_t* at = w + (part / 2 + pair) * kPairBytes;
      __m512i weights[kT];
      for (int t = 0; t < kT; ++t) weights[t] = load_pairs(at + t * a.tile_bytes);
      for (int m = 0; m < kM; ++m) {
        const __m512i both = broadcast(x[m] + 2 * pair);
        for (int t = 0; t < kT; ++t) add_pairs(sums[m][t], weights[t], both);
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

template <int kM>
void few_rows_all_tiles(const Bf16MatmulArgs& a) {
  int64_t j = 0;
  for (; a.n - j > (kFewTiles - 1) * kTileRows; j += kFewTiles * kTileRows)
    few_rows<kM, kFewTiles>(a, j);
  for (; j < a.n; j += kTileRows) few_rows<kM, 1>(a, j);
}

using PanelSums = float[kPanelRows];

// kC rows of x, one behind the other, times a part of two tiles, whose weights for it begin at w.
template <int kC>
[[gnu::noinline]] void add_part(PanelSums* results, const uint8_t* const (&w)[2], const uint16_t* x,
                                int64_t count) {
  __m512 sums[kC][2];
#pragma GCC unroll 12
  for (int c = 0; c < kC; ++c) sums[c][0] = sums[c][1] = _mm512_setzero_ps();
  for (int64_t pair = 0; pair < count / 2; ++pair) {
    const __m512i first = load_pairs(w[0] + pair * kPairBytes);
    const __m512i second = load_pairs(w[1] + pair * kPairBytes);
#pragma GCC unroll 12
    for (int c = 0; c < kC; ++c) {
      const __m512i both = broadcast(x + c * kFloatPart + 2 * pair);
      add_pairs(sums[c][0], first, both);
      add_pairs(sums[c][1], second, both);
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
void multiply_panels(const Bf16MatmulArgs& a, int64_t first, int64_t count, int64_t j) {
  const int64_t tiles = (count + kColumns - 1) / kColumns;
  alignas(64) PanelSums results[kMostRows];
  __builtin_memset(results, 0, static_cast<std::size_t>(count) * sizeof results[0]);
  const uint8_t* tile = a.w + j / kTileRows * a.tile_bytes;
  const bool has_two = a.n - j > kTileRows;
  // A last tile that stands alone is multiplied twice, and once stored.
  const uint8_t* second = has_two ? tile + a.tile_bytes : tile;
  for (int64_t part = 0; part < a.k; part += kFloatPart) {
    const int64_t values = part_end(a, part) - part;
    const int64_t at = part / 2 * kPairBytes;
    const uint8_t* const w[2] = {tile + at, second + at};
    for (int64_t line = 0; line < kPairs * kPairBytes; line += 64) {
      prefetch(w[0] + kPairs * kPairBytes + line);
      prefetch(w[1] + kPairs * kPairBytes + line);
    }
    // Tiles of equal size: the last few rows by themselves would wait for their own sums.
    for (int64_t t = 0; t < tiles; ++t) {
      const int64_t i = count * t / tiles;
      with_count<kColumns>(count * (t + 1) / tiles - i, [&]<int kC>() {
        if (a.x_rows == nullptr) {
          add_part<kC>(results + i, w, part_of(a, first + i, part), values);
          return;
        }
        alignas(64) uint16_t gathered[kC * kFloatPart];
        for (int c = 0; c < kC; ++c) {
          __builtin_memcpy(gathered + c * kFloatPart, part_of(a, first + i + c, part),
                           static_cast<std::size_t>(values) * sizeof(uint16_t));
        }
        add_part<kC>(results + i, w, gathered, values);
      });
    }
  }
  for (int64_t i = 0; i < count; ++i) {
    store(a, first + i, j, _mm512_load_ps(results[i]));
    if (has_two) store(a, first + i, j + kTileRows, _mm512_load_ps(results[i] + kTileRows));
  }
}

}  // namespace

void bf16_matmul(const Bf16MatmulArgs& a) {
  if (a.m <= 0) return;
  if (a.m <= kFew) {
    with_count<kFew>(a.m, [&]<int kM>() { few_rows_all_tiles<kM>(a); });
    return;
  }
  const int64_t parts = (a.m + kMostRows - 1) / kMostRows;
  for (int64_t j = 0; j < a.n; j += kPanelRows) {
    for (int64_t part = 0; part < parts; ++part) {
      const int64_t first = a.m * part / parts;
      multiply_panels(a, first, a.m * (part + 1) / parts - first, j);
    }
  }
}

}  // namespace sparrow::kernels::avx512_bf16
