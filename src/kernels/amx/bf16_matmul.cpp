// Products of bf16 by tiles of pairs, which are as the packed weight has them: 32 rows of the
// weight times up to 32 rows of x at a time. A part of the weight stays in the L1 cache for all
// rows of x; the sums go on from it to the next part.
#include <immintrin.h>

#include <cstddef>

#include "kernels/amx/table.h"
#include "kernels/amx/tiles.h"
#include "kernels/packed_walk.h"

namespace sparrow::kernels::amx {
namespace {

constexpr int64_t kPanelRows = 2 * kTileRows;
constexpr int64_t kMostRows = 512;        // of x that are multiplied with a panel at once
constexpr int64_t kStep = kBf16TileStep;  // values of k that a product of tiles takes
constexpr int64_t kPartValues = 512;      // of k
constexpr int64_t kStepBytes = kStep * kTileRows * 2;  // of a tile of the weight
static_assert(kPartValues % kFloatPart == 0 && kFloatPart % kStep == 0);

using PanelSums = float[kPanelRows];

// Tiles 0 and 1 are of x, 2 and 3 of the weight, 4 to 7 sums, first of tile 0 with both. `lines` is
// how many rows tile 1 has, or tile 0 where it is the only one.
TileShapes shapes_of(bool has_two, int64_t lines) {
  TileShapes shapes;
  const int64_t first_lines = has_two ? kTileLines : lines;
  const int64_t second_lines = has_two ? lines : kTileLines;
  shapes.set(0, first_lines, kLineBytes);
  shapes.set(1, second_lines, kLineBytes);
  for (int weight = 2; weight < 4; ++weight) shapes.set(weight, kTileLines, kLineBytes);
  for (int sums = 4; sums < 6; ++sums) shapes.set(sums, first_lines, kLineBytes);
  for (int sums = 6; sums < 8; ++sums) shapes.set(sums, second_lines, kLineBytes);
  return shapes;
}

// Rows of x from x on, kFloatPart values each, times a part of two tiles of the weight that begins
// at w.
template <bool kHasTwo>
void add_part(PanelSums* results, const uint8_t* const (&w)[2], const uint16_t* x, int64_t x_parts,
              int64_t count) {
  constexpr int64_t kRowBytes = kFloatPart * sizeof *x;
  load_tile<4>(results[0], sizeof results[0]);
  load_tile<5>(results[0] + kTileRows, sizeof results[0]);
  if constexpr (kHasTwo) {
    load_tile<6>(results[kTileLines], sizeof results[0]);
    load_tile<7>(results[kTileLines] + kTileRows, sizeof results[0]);
  }
  for (int64_t k = 0; k < count; k += kStep) {
    const uint16_t* lines = x + k / kFloatPart * x_parts + k % kFloatPart;
    load_tile<0>(lines, kRowBytes);
    load_tile<2>(w[0] + k / kStep * kStepBytes, kLineBytes);
    add_pairs<4, 0, 2>();
    load_tile<3>(w[1] + k / kStep * kStepBytes, kLineBytes);
    add_pairs<5, 0, 3>();
    if constexpr (kHasTwo) {
      load_tile<1>(lines + kTileLines * kFloatPart, kRowBytes);
      add_pairs<6, 1, 2>();
      add_pairs<7, 1, 3>();
    }
  }
  store_tile<4>(results[0], sizeof results[0]);
  store_tile<5>(results[0] + kTileRows, sizeof results[0]);
  if constexpr (kHasTwo) {
    store_tile<6>(results[kTileLines], sizeof results[0]);
    store_tile<7>(results[kTileLines] + kTileRows, sizeof results[0]);
  }
}

// The same for rows [i, i + rows) of x, at most 32, from value `part` on.
void add_rows(PanelSums* results, const uint8_t* const (&w)[2], const Bf16MatmulArgs& a, int64_t i,
              int64_t rows, int64_t part, int64_t count) {
  const uint16_t* x = part_of(a, i, part);
  int64_t x_parts = a.x.rows * kFloatPart;
  alignas(64) uint16_t gathered[kPartValues / kFloatPart][kPanelRows][kFloatPart];
  if (a.x_rows != nullptr) {
    for (int64_t p = 0; p < count; p += kFloatPart) {
      for (int64_t r = 0; r < rows; ++r) {
        __builtin_memcpy(gathered[p / kFloatPart][r], part_of(a, i + r, part + p),
                         sizeof gathered[0][0]);
      }
    }
    x = gathered[0][0];
    x_parts = kPanelRows * kFloatPart;
  }
  if (rows > kTileLines) {
    add_part<true>(results, w, x, x_parts, count);
  } else {
    add_part<false>(results, w, x, x_parts, count);
  }
}

// Rows [first, first + count) of x times rows [j, j + 32) of the weight.
void multiply_panels(const Bf16MatmulArgs& a, int64_t first, int64_t count, int64_t j) {
  alignas(64) PanelSums results[kMostRows];
  __builtin_memset(results, 0, static_cast<std::size_t>(count) * sizeof results[0]);
  const uint8_t* tile = a.w + j / kTileRows * a.tile_bytes;
  // A last tile that stands alone is multiplied twice, and once stored.
  const uint8_t* second = a.n - j > kTileRows ? tile + a.tile_bytes : tile;
  const int64_t whole = count / kPanelRows * kPanelRows;
  const int64_t rest = count - whole;
  const bool has_two = rest > kTileLines;
  const TileShapes whole_shapes = shapes_of(true, kTileLines);
  const TileShapes rest_shapes = shapes_of(has_two, has_two ? rest - kTileLines : rest);
  for (int64_t part = 0; part < a.k; part += kPartValues) {
    const int64_t values = part + kPartValues < a.k ? kPartValues : a.k - part;
    const int64_t at = part / kStep * kStepBytes;
    const uint8_t* const w[2] = {tile + at, second + at};
    for (int64_t line = 0; line < kPartValues / kStep * kStepBytes; line += 64) {
      prefetch(w[0] + kPartValues / kStep * kStepBytes + line);
      prefetch(w[1] + kPartValues / kStep * kStepBytes + line);
    }
    if (whole > 0) {
      const Tiles tiles(whole_shapes);
      for (int64_t i = 0; i < whole; i += kPanelRows)
        add_rows(results + i, w, a, first + i, kPanelRows, part, values);
    }
    if (rest > 0) {
      const Tiles tiles(rest_shapes);
      add_rows(results + whole, w, a, first + whole, rest, part, values);
    }
  }
  for (int64_t i = 0; i < count; ++i) {
    for (int64_t row = j; row < j + kPanelRows && row < a.n; row += kTileRows) {
      const int64_t rows = a.n - row;
      const auto mask = static_cast<__mmask16>(rows >= kTileRows ? 0xffff : (1 << rows) - 1);
      _mm512_mask_storeu_ps(out_row(a, first + i) + row, mask,
                            _mm512_load_ps(results[i] + row - j));
    }
  }
}

}  // namespace

void bf16_matmul(const Bf16MatmulArgs& a) {
  const int64_t parts = (a.m + kMostRows - 1) / kMostRows;
  for (int64_t j = 0; j < a.n; j += kPanelRows) {
    for (int64_t part = 0; part < parts; ++part) {
      const int64_t first = a.m * part / parts;
      multiply_panels(a, first, a.m * (part + 1) / parts - first, j);
    }
  }
}

}  // namespace sparrow::kernels::amx
