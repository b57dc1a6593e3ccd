// Products of quantized activations with packed weights, for any registers. kernel_table.h defines
// the result; integer sums inside a group are exact, so the two ways here give the same bits:
//   few rows of x: each weight is unpacked in registers and used at once, at the speed of memory;
//   many rows: as many rows of the weight as two registers have lanes are unpacked into a panel in
//   the L1 cache, a block of 256 values at a time, and multiplied with several rows of x at once,
//   so that four bytes of x are loaded once for both and many chains of products run side by side.
//
// A set of instructions is a struct with
//   Ints, Floats      registers; kLanes of either, 8 or 16, a lane a row of the weight;
//   kFew, kMostRows   rows of x that each way takes at once;
//   Formats           its packed_formats.h;
//   kind<Format>()    formats of one kind, a number of bits, share code;
//   planes(kind)      codes are split into so many planes, 1 or 2;
//   columns(kind, subs)  rows of x whose results and sums fit the registers, with `subs` scales a
//                     group;
//   codes<Format>(w, g, half, planes), scale<Format>(block, group, half), min<Format>  of kLanes
//   rows
//                     of a tile;
//   all, broadcast, load, store, store_some, store_codes, multiply, multiply_add, to_floats;
//   add<kKind, kCount>(total, planes, from, x)  total plus kCount vectors of codes times x, exact;
//   add_tile<kKind, kCount, kC>(sums, codes, x, start)  sums[c][h] = start(c) plus kCount vectors
//   of
//                     the panel's codes times the four bytes each at x(c, v), exact;
//   add_scaled(out, v, x)  out[h] += v[h] * x in one rounding;
//   multiply_panel<kSubs, kHasMin>, if it has one, in place of panel_columns.
#pragma once

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "kernels/packed_walk.h"

namespace sparrow::kernels {
namespace {

constexpr int kVectors = 8;  // registers that hold 32 values of as many rows as they have lanes

template <typename Set, typename Format>
constexpr int kKindOf = Set::template kind<Format>();
template <typename Set, typename Format>
constexpr int kPlanesOf = Set::planes(kKindOf<Set, Format>);
template <typename Format>
constexpr int kSubsOf = 32 / Format::kGroup;

// What the codes' offset, a power of two, makes too much: what a sum of products begins with.
template <typename Set>
inline typename Set::Ints correction(int offset_bits, const int32_t* minus_sum) {
  return Set::all(*minus_sum << offset_bits);
}

// t of kernel_table.h: 32 bytes of x, with the sums of each kGroup of them, times codes of group g
// of a block of the weight.
template <typename Set, typename Format, int kPlanes>
inline typename Set::Floats dot(const typename Format::Block& block,
                                const typename Set::Ints (&codes)[kPlanes][kVectors], int g,
                                int half, const int8_t* x, const int32_t* minus_sums) {
  constexpr int kSubs = kSubsOf<Format>;
  constexpr int kCount = kVectors / kSubs;
  typename Set::Floats t{};
#pragma GCC unroll 2
  for (int sub = 0; sub < kSubs; ++sub) {
    typename Set::Ints total = Set::all(0);
    if constexpr (Format::kOffset != 0)
      total = correction<Set>(offset_bits(Format::kOffset), minus_sums + sub);
    const typename Set::Floats sum = Set::to_floats(Set::template add<kKindOf<Set, Format>, kCount>(
        total, codes, sub * kCount, x + sub * Format::kGroup));
    const typename Set::Floats scale = Set::template scale<Format>(block, g * kSubs + sub, half);
    t = sub == 0 ? Set::multiply(sum, scale) : Set::multiply_add(sum, scale, t);
  }
  return t;
}

// The halves of a tile, 1 or 2.
template <typename Set>
constexpr int kHalves = kTileRows / Set::kLanes;

// One group of 32 values of one half of a tile: number g of a block of the weight, number `place`
// of kM blocks of x.
template <typename Set, typename Format, int kM>
inline void add_group(const typename Format::Block& block, const uint8_t* w, int g, int half,
                      const QuantizedBlock* const (&x)[kM], int place,
                      typename Set::Floats (&out)[kM][kHalves<Set>]) {
  constexpr int kSubs = kSubsOf<Format>;
  typename Set::Ints codes[kPlanesOf<Set, Format>][kVectors];
  Set::template codes<Format>(w, g, half, codes);
#pragma GCC unroll 4
  for (int m = 0; m < kM; ++m) {
    typename Set::Floats& result = out[m][half];
    const typename Set::Floats t =
        dot<Set, Format>(block, codes, g, half, x[m]->high + place * kQuantGroup,
                         minus_sums<kSubs>(*x[m]) + place * kSubs);
    result = Set::multiply_add(t, Set::all(x[m]->scales[place]), result);
    if constexpr (Format::kHasMin) {
#pragma GCC unroll 2
      for (int sub = 0; sub < kSubs; ++sub) {
        const float sum = value_sums<kSubs>(*x[m])[place * kSubs + sub];
        result = Set::multiply_add(Set::template min<Format>(block, g * kSubs + sub, half),
                                   Set::all(sum), result);
      }
    }
  }
}

// The low bytes of the wide groups of block `at`. w is where its weights begin.
template <typename Set, typename Format>
[[gnu::noinline]] typename Set::Floats add_low(typename Set::Floats out, const QuantizedRows& rows,
                                               int64_t at, const uint8_t* w, int half) {
  constexpr int kSubs = kSubsOf<Format>;
  const QuantizedBlock& x = rows.blocks[at];
  const LowPlane& plane = rows.low[at];
  for_each_wide<Format>(rows.wide[at], w, [&](int place, const uint8_t* weight, int g) {
    // Memory must not pause meanwhile: what the next block would ask for is asked for here.
    if (Format::kValues > kQuantGroup)
      prefetch_part<Format>(weight, g, kPrefetchBytes + kTileRows * Format::kBytes);
    typename Set::Ints codes[kPlanesOf<Set, Format>][kVectors];
    Set::template codes<Format>(weight, g, half, codes);
    const typename Set::Floats t =
        dot<Set, Format>(typename Format::Block(weight), codes, g, half,
                         plane.low + place * kQuantGroup, minus_sums<kSubs>(plane) + place * kSubs);
    out = Set::multiply_add(t, Set::all(x.scales[place] / 256), out);
  });
  return out;
}

// The first kM rows of x times one tile, the direct way.
template <typename Set, typename Format, int kM>
void few_rows(const PackedMatmulArgs& a, const uint8_t* w,
              typename Set::Floats (&out)[kM][kHalves<Set>]) {
  constexpr int kGroups = Format::kValues / kQuantGroup;
  const QuantizedBlock* x[kM];
#pragma GCC unroll 4
  for (int m = 0; m < kM; ++m) {
    x[m] = a.x.blocks + x_row(a, m);
#pragma GCC unroll 2
    for (int half = 0; half < kHalves<Set>; ++half) out[m][half] = Set::all(0.0f);
  }
  const int64_t all_groups = a.k / kQuantGroup;
  for (int64_t first = 0; first < all_groups; first += kQuantBlockGroups) {
    const int64_t left = all_groups - first;
    const int groups = static_cast<int>(left < kQuantBlockGroups ? left : kQuantBlockGroups);
    const uint8_t* start = w;
    for (int at = 0; at < groups; at += kGroups, w += kTileRows * Format::kBytes) {
      const typename Format::Block block(w);
#pragma GCC unroll 8
      for (int g = 0; g < kGroups; ++g) {
        if (kGroups > 1) prefetch_part<Format>(w, g, kPrefetchBytes);
        const int place = kGroups == kQuantBlockGroups ? g : at + g;
#pragma GCC unroll 2
        for (int half = 0; half < kHalves<Set>; ++half)
          add_group<Set, Format, kM>(block, w, g, half, x, place, out);
      }
    }
#pragma GCC unroll 4
    for (int m = 0; m < kM; ++m) {
      const int64_t at = x[m] - a.x.blocks;
      if (a.x.wide[at] != 0) {
#pragma GCC unroll 2
        for (int half = 0; half < kHalves<Set>; ++half)
          out[m][half] = add_low<Set, Format>(out[m][half], a.x, at, start, half);
      }
      x[m] += a.x.rows;
    }
  }
}

template <typename Set, typename Format, int kM>
void few_rows_all_tiles(const PackedMatmulArgs& a) {
  for (int64_t j = 0; j < a.n; j += kTileRows) {
    typename Set::Floats out[kM][kHalves<Set>];
    few_rows<Set, Format, kM>(a, a.w + j / kTileRows * a.tile_bytes, out);
#pragma GCC unroll 4
    for (int m = 0; m < kM; ++m) {
#pragma GCC unroll 2
      for (int half = 0; half < kHalves<Set>; ++half) {
        const int64_t column = j + half * Set::kLanes;
        Set::store_some(out_row(a, m) + column, out[m][half], a.n - column);
      }
    }
  }
}

// Up to 256 values of the rows of two registers, in the one form that all formats of a kind unpack
// to.
template <typename Set, int kKind>
struct Panel {
  static constexpr int kBytes = 4 * Set::kLanes;
  alignas(64) uint8_t codes[Set::planes(kKind)][kQuantBlockGroups * kVectors][2][kBytes];
  alignas(64) float scales[kQuantBlockGroups * 2][2][Set::kLanes];
  alignas(64) float mins[kQuantBlockGroups * 2][2][Set::kLanes];
  int offset_bits;
};
template <typename Set, typename Format>
using PanelOf = Panel<Set, kKindOf<Set, Format>>;

template <typename Set>
constexpr int kPanelRows = 2 * Set::kLanes;  // of the weight
template <typename Set>
constexpr int kPanelTiles = kPanelRows<Set> / kTileRows;

// Groups [first, first + groups) of one tile, from side `side` of the panel on.
template <typename Set, typename Format>
void fill_panel(PanelOf<Set, Format>& panel, int side, const uint8_t* tile, int64_t first,
                int groups) {
  constexpr int kGroups = Format::kValues / kQuantGroup;
  constexpr int kSubs = kSubsOf<Format>;
  constexpr int kPlanes = kPlanesOf<Set, Format>;
  const uint8_t* w = tile + first / kGroups * kTileRows * Format::kBytes;
  for (int at = 0; at < groups; at += kGroups, w += kTileRows * Format::kBytes) {
    const typename Format::Block block(w);
#pragma GCC unroll 8
    for (int g = 0; g < kGroups; ++g) {
#pragma GCC unroll 2
      for (int half = 0; half < kHalves<Set>; ++half) {
        const int h = side + half;
        typename Set::Ints codes[kPlanes][kVectors];
        Set::template codes<Format>(w, g, half, codes);
        for (int p = 0; p < kPlanes; ++p) {
          for (int v = 0; v < kVectors; ++v)
            Set::store_codes(panel.codes[p][(at + g) * kVectors + v][h], codes[p][v]);
        }
        for (int sub = 0; sub < kSubs; ++sub) {
          const int number = (at + g) * kSubs + sub;
          Set::store(panel.scales[number][h],
                     Set::template scale<Format>(block, g * kSubs + sub, half));
          if constexpr (Format::kHasMin) {
            Set::store(panel.mins[number][h],
                       Set::template min<Format>(block, g * kSubs + sub, half));
          }
        }
      }
    }
  }
}

// Results of one row of x with the panel at hand. By themselves: in the caller's matrix they lie a
// power of two apart often enough, and then the caches have room for a few of them only.
template <typename Set>
using PanelSums = float[kPanelRows<Set>];

// The codes' offset times minus the sums of each row's bytes: what sums of products begin with.
template <int kSubs, int kC>
void find_starts(int32_t (&starts)[kC][kQuantBlockGroups * kSubs], const QuantizedBlock* x,
                 int offset_bits) {
  const __m128i shift = _mm_cvtsi32_si128(offset_bits);
  for (int c = 0; c < kC; ++c) {
    for (int i = 0; i < kQuantBlockGroups * kSubs; i += 8) {
      const __m256i sums =
          _mm256_load_si256(reinterpret_cast<const __m256i*>(minus_sums<kSubs>(x[c]) + i));
      _mm256_store_si256(reinterpret_cast<__m256i*>(starts[c] + i), _mm256_sll_epi32(sums, shift));
    }
  }
}

// t of kernel_table.h for kC rows of x, both sides of group g of the panel: bytes(c) are row c's 32
// of the group, start(c, sub) is what its sums begin with. Written in the order in which registers
// are free again.
template <int kSubs, int kC, typename Set, int kKind, typename Bytes, typename Start>
inline void panel_dot(typename Set::Floats (&t)[kC][2], const Panel<Set, kKind>& panel, int g,
                      const Bytes& bytes, const Start& start) {
  constexpr int kCount = kVectors / kSubs;
#pragma GCC unroll 2
  for (int sub = 0; sub < kSubs; ++sub) {
    typename Set::Ints sums[kC][2];
    Set::template add_tile<kKind, kCount, kC>(
        sums, panel.codes[0] + g * kVectors + sub * kCount,
        [&](int c, int v) { return bytes(c) + 4 * (sub * kCount + v); },
        [&](int c) { return start(c, sub); });
    const float(&both)[2][Set::kLanes] = panel.scales[g * kSubs + sub];
    const typename Set::Floats scales[2] = {Set::load(both[0]), Set::load(both[1])};
#pragma GCC unroll 8
    for (int c = 0; c < kC; ++c) {
#pragma GCC unroll 2
      for (int h = 0; h < 2; ++h) {
        const typename Set::Floats sum = Set::to_floats(sums[c][h]);
        t[c][h] =
            sub == 0 ? Set::multiply(sum, scales[h]) : Set::multiply_add(sum, scales[h], t[c][h]);
      }
    }
  }
}

// Lines of the weight that the next panel is filled from, `lines` of each tile: asked for little by
// little, `step` of them with each group, while this panel is computed with.
struct Ahead {
  const uint8_t* tiles[2];
  int64_t lines;
  int64_t end;  // of all tiles
  int64_t step = 0;
  int64_t next = 0;

  void ask() {
    for (int64_t count = step < end - next ? step : end - next; count > 0; --count, ++next)
      prefetch(next < lines ? tiles[0] + next * 64 : tiles[1] + (next - lines) * 64);
  }
};

// Adds the products of kC blocks of x, one behind the other, with the panel. kSubs scales a group.
// By itself, so that the compiler has all registers for it.
template <int kSubs, bool kHasMin, int kC, typename Set, int kKind>
[[gnu::noinline]] void add_panel(PanelSums<Set>* results, const Panel<Set, kKind>& panel,
                                 int groups, const QuantizedBlock* x, Ahead& ahead) {
  alignas(32) int32_t starts[kC][kQuantBlockGroups * kSubs];
  if constexpr (!kHasMin) find_starts<kSubs, kC>(starts, x, panel.offset_bits);
  typename Set::Floats out[kC][2];
#pragma GCC unroll 8
  for (int c = 0; c < kC; ++c) {
    for (int h = 0; h < 2; ++h) out[c][h] = Set::load(results[c] + h * Set::kLanes);
  }
  for (int g = 0; g < groups; ++g) {
    ahead.ask();
    typename Set::Floats t[kC][2];
    panel_dot<kSubs, kC>(
        t, panel, g, [&](int c) { return x[c].high + g * kQuantGroup; },
        [&](int c, int sub) {
          return kHasMin ? Set::all(0) : Set::broadcast(starts[c][g * kSubs + sub]);
        });
#pragma GCC unroll 8
    for (int c = 0; c < kC; ++c) Set::add_scaled(out[c], t[c], x[c].scales[g]);
    if constexpr (kHasMin) {
#pragma GCC unroll 2
      for (int sub = 0; sub < kSubs; ++sub) {
        const float(&both)[2][Set::kLanes] = panel.mins[g * kSubs + sub];
        const typename Set::Floats mins[2] = {Set::load(both[0]), Set::load(both[1])};
#pragma GCC unroll 8
        for (int c = 0; c < kC; ++c)
          Set::add_scaled(out[c], mins, value_sums<kSubs>(x[c])[g * kSubs + sub]);
      }
    }
  }
#pragma GCC unroll 8
  for (int c = 0; c < kC; ++c) {
    for (int h = 0; h < 2; ++h) Set::store(results[c] + h * Set::kLanes, out[c][h]);
  }
}

// Some rows of x, in one of its blocks of columns.
struct PanelInput {
  const QuantizedRows& x;
  const int32_t* indices;  // null: row i is first + i
  int64_t first;           // row
  int64_t block;

  int64_t at(int64_t i) const {
    return block * x.rows + (indices != nullptr ? indices[first + i] : first + i);
  }
};

// Rows [i, i + kC) of the input times the panel.
template <int kSubs, bool kHasMin, int kC, typename Set, int kKind>
void panel_tile(PanelSums<Set>* results, const Panel<Set, kKind>& panel, int groups,
                const PanelInput& input, int64_t i, Ahead& ahead) {
  if (input.indices == nullptr) {
    add_panel<kSubs, kHasMin, kC>(results + i, panel, groups, input.x.blocks + input.at(i), ahead);
    return;
  }
  QuantizedBlock gathered[kC];
  for (int c = 0; c < kC; ++c) gathered[c] = input.x.blocks[input.at(i + c)];
  add_panel<kSubs, kHasMin, kC>(results + i, panel, groups, gathered, ahead);
}

// The low bytes of group g of kC rows, whose numbers among the input's are given.
template <int kSubs, bool kHasMin, int kC, typename Set, int kKind>
void add_low_bytes(PanelSums<Set>* results, const Panel<Set, kKind>& panel, const PanelInput& input,
                   int g, const int32_t* rows) {
  const LowPlane* x[kC];
  for (int c = 0; c < kC; ++c) x[c] = input.x.low + input.at(rows[c]);
  typename Set::Floats t[kC][2];
  panel_dot<kSubs, kC>(
      t, panel, g, [&](int c) { return x[c]->low + g * kQuantGroup; },
      [&](int c, int sub) {
        return kHasMin
                   ? Set::all(0)
                   : correction<Set>(panel.offset_bits, minus_sums<kSubs>(*x[c]) + g * kSubs + sub);
      });
#pragma GCC unroll 8
  for (int c = 0; c < kC; ++c) {
    const auto scale = Set::all(input.x.blocks[input.at(rows[c])].scales[g] / 256);
    for (int h = 0; h < 2; ++h) {
      float* result = results[rows[c]] + h * Set::kLanes;
      Set::store(result, Set::multiply_add(t[c][h], scale, Set::load(result)));
    }
  }
}

// Rows of the input that are wide, group by group.
constexpr int64_t kListedRows = 120;  // at most
struct WideRows {
  int32_t rows[kQuantBlockGroups][kListedRows];
  int counts[kQuantBlockGroups] = {};

  // Rows [i, end). Asks for their low bytes, which are far apart.
  WideRows(const PanelInput& input, int64_t i, int64_t end) {
    for (; i < end; ++i) {
      const int64_t at = input.at(i);
      for (uint32_t wide = input.x.wide[at]; wide != 0; wide &= wide - 1) {
        const int g = __builtin_ctz(wide);
        rows[g][counts[g]++] = static_cast<int32_t>(i);
        _mm_prefetch(reinterpret_cast<const char*>(input.x.low[at].low + g * kQuantGroup),
                     _MM_HINT_T0);
        _mm_prefetch(reinterpret_cast<const char*>(input.x.low[at].minus_sums32), _MM_HINT_T0);
      }
    }
  }
};

template <int kSubs, bool kHasMin, typename Set, int kKind>
void add_low_plane(PanelSums<Set>* results, const Panel<Set, kKind>& panel, const PanelInput& input,
                   const WideRows& wide) {
  constexpr int kAtOnce = Set::columns(kKind, kSubs) < 4 ? 2 : 4;
  for (int g = 0; g < kQuantBlockGroups; ++g) {
    const int32_t* next = wide.rows[g];
    int left = wide.counts[g];
    for (; left >= kAtOnce; left -= kAtOnce, next += kAtOnce)
      add_low_bytes<kSubs, kHasMin, kAtOnce>(results, panel, input, g, next);
    if (left >= 2) {
      add_low_bytes<kSubs, kHasMin, 2>(results, panel, input, g, next);
      next += 2;
    }
    if (left % 2 != 0) add_low_bytes<kSubs, kHasMin, 1>(results, panel, input, g, next);
  }
}

// All rows of the input, `count` of them, times the panel.
template <int kSubs, bool kHasMin, typename Set, int kKind>
void panel_columns(PanelSums<Set>* results, const Panel<Set, kKind>& panel, int groups,
                   const PanelInput& input, int64_t count, Ahead& ahead) {
  constexpr int kC = Set::columns(kKind, kSubs);
  static_assert(kListedRows % kC == 0);
  ahead.step = ahead.end / ((count + kC - 1) / kC * groups) + 1;
  for (int64_t first = 0; first < count; first += kListedRows) {
    const int64_t end = first + kListedRows < count ? first + kListedRows : count;
    const WideRows wide(input, first, end);
    int64_t i = first;
    for (; i + kC <= end; i += kC)
      panel_tile<kSubs, kHasMin, kC>(results, panel, groups, input, i, ahead);
    if (i < end) {
      with_count<kC - 1>(end - i, [&]<int kRest>() {
        panel_tile<kSubs, kHasMin, kRest>(results, panel, groups, input, i, ahead);
      });
    }
    add_low_plane<kSubs, kHasMin>(results, panel, input, wide);
  }
}

// Rows [first, first + count) of x times the rows of one panel, from j on.
template <typename Set, typename Format>
void multiply_panels(const PackedMatmulArgs& a, int64_t first, int64_t count, int64_t j) {
  PanelOf<Set, Format> panel;
  panel.offset_bits = offset_bits(Format::kOffset);
  alignas(64) PanelSums<Set> results[Set::kMostRows];
  for (int64_t i = 0; i < count; ++i) {
    for (int h = 0; h < 2; ++h) Set::store(results[i] + h * Set::kLanes, Set::all(0.0f));
  }
  const uint8_t* tile = a.w + j / kTileRows * a.tile_bytes;
  // Both sides of the panel are of one tile, or of two; a last one that stands alone is multiplied
  // twice, and once stored.
  const uint8_t* second = kPanelTiles<Set> == 2 && a.n - j > kTileRows ? tile + a.tile_bytes : tile;
  const int64_t groups = a.k / kQuantGroup;
  PanelInput input = {a.x, a.x_rows, first, 0};
  for (int64_t group = 0; group < groups; group += kQuantBlockGroups, ++input.block) {
    const int64_t left = groups - group;
    const int here = static_cast<int>(left < kQuantBlockGroups ? left : kQuantBlockGroups);
    fill_panel<Set, Format>(panel, 0, tile, group, here);
    if constexpr (kPanelTiles<Set> == 2) fill_panel<Set, Format>(panel, 1, second, group, here);
    // The next block of these tiles, or the first of the next.
    constexpr int64_t kBlockBytes =
        kQuantBlockGroups * kTileRows * Format::kBytes / (Format::kValues / kQuantGroup);
    const int64_t next = group / kQuantBlockGroups + 2;
    const int64_t blocks = (groups + kQuantBlockGroups - 1) / kQuantBlockGroups;
    const int64_t skipped = next < blocks
                                ? next * kBlockBytes
                                : (next - blocks) * kBlockBytes + kPanelTiles<Set> * a.tile_bytes;
    constexpr int64_t kLines = kBlockBytes / 64;
    Ahead ahead = {{tile + skipped, second + skipped}, kLines, kPanelTiles<Set> * kLines};
    if constexpr (requires { &Set::template multiply_panel<kSubsOf<Format>, Format::kHasMin>; }) {
      Set::template multiply_panel<kSubsOf<Format>, Format::kHasMin>(results, panel, here, input,
                                                                     count, ahead);
    } else {
      panel_columns<kSubsOf<Format>, Format::kHasMin>(results, panel, here, input, count, ahead);
    }
  }
  for (int64_t i = 0; i < count; ++i) {
    float* out = out_row(a, first + i) + j;
    for (int h = 0; h < 2; ++h) {
      const int64_t column = h * Set::kLanes;
      Set::store_some(out + column, Set::load(results[i] + column), a.n - j - column);
    }
  }
}

template <typename Set, typename Format>
void many_rows(const PackedMatmulArgs& a) {
  const int64_t parts = (a.m + Set::kMostRows - 1) / Set::kMostRows;
  for (int64_t j = 0; j < a.n; j += kPanelRows<Set>) {
    for (int64_t part = 0; part < parts; ++part) {
      const int64_t first = a.m * part / parts;
      multiply_panels<Set, Format>(a, first, a.m * (part + 1) / parts - first, j);
    }
  }
}

template <typename Set, typename Format>
void packed_matmul(const PackedMatmulArgs& a) {
  if (a.m > Set::kFew) {
    many_rows<Set, Format>(a);
  } else if (a.m > 0) {
    with_count<Set::kFew>(a.m, [&]<int kM>() { few_rows_all_tiles<Set, Format, kM>(a); });
  }
}

// KernelTable::find_packed_matmul.
template <typename Set>
PackedMatmul find_packed_matmul_of(uint32_t gguf_id) {
  using Formats = typename Set::Formats;
  switch (gguf_id) {
    case 2:
      return packed_matmul<Set, typename Formats::Q4_0>;
    case 3:
      return packed_matmul<Set, typename Formats::Q4_1>;
    case 6:
      return packed_matmul<Set, typename Formats::Q5_0>;
    case 7:
      return packed_matmul<Set, typename Formats::Q5_1>;
    case 8:
      return packed_matmul<Set, typename Formats::Q8_0>;
    case 10:
      return packed_matmul<Set, typename Formats::Q2_K>;
    case 11:
      return packed_matmul<Set, typename Formats::Q3_K>;
    case 12:
      return packed_matmul<Set, typename Formats::Q4_K>;
    case 13:
      return packed_matmul<Set, typename Formats::Q5_K>;
    case 14:
      return packed_matmul<Set, typename Formats::Q6_K>;
    case 20:
      return packed_matmul<Set, typename Formats::IQ4_NL>;
    case 23:
      return packed_matmul<Set, typename Formats::IQ4_XS>;
    default:
      return nullptr;
  }
}

}  // namespace
}  // namespace sparrow::kernels
