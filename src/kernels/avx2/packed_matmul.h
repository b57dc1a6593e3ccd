// Products of quantized activations with packed weights in registers of 8 rows, for any way to sum
// four products a lane (Dot). kernel_table.h defines the result; integer sums are exact, so all
// ways give the same bits. Few rows of x: each weight is unpacked in registers and used at once.
// Many rows: 256 values of a tile are unpacked into a panel in the L1 cache and multiplied with
// several rows of x at a time.
//
// A Dot gives, for codes of kBits:
//   kind(kBits)          the most bits of all codes that are treated alike;
//   planes(kBits)        codes of so many bits are split into this many planes of 4 bits, or 1;
//   columns(kBits)       rows of x whose sums fit the registers at once;
//   add<kBits, kCount>(total, codes, x)  total + the sum over kCount vectors of one plane's codes
//                        times x, exact.
#pragma once

#include <immintrin.h>

#include "kernels/avx2/lanes.h"
#include "kernels/avx2/packed_formats.h"
#include "kernels/packed_walk.h"

namespace sparrow::kernels::avx2 {
namespace {

constexpr int kVectors = 8;  // registers that hold 32 values of 8 rows
constexpr int kFew = 3;      // rows of x that the direct way takes at once

inline __m256i four_of(const int8_t* x) {
  int32_t value;
  __builtin_memcpy(&value, x, sizeof(value));
  return _mm256_set1_epi32(value);
}

// What the codes' offset makes too much.
inline __m256i correction(int bits, const int32_t* minus_sum) {
  return _mm256_sll_epi32(_mm256_set1_epi32(*minus_sum), _mm_cvtsi32_si128(bits));
}

// Into planes of 4 bits, where a Dot wants that.
template <int kPlanes>
inline void split(__m256i (&codes)[kPlanes][kVectors]) {
  if constexpr (kPlanes == 2) {
    for (int v = 0; v < kVectors; ++v) {
      codes[1][v] = high_nibbles(codes[0][v]);
      codes[0][v] = low_nibbles(codes[0][v]);
    }
  }
}

// The whole sum over kCount vectors from `from` on.
template <typename Dot, int kBits, int kCount, int kPlanes>
inline __m256i add_planes(__m256i total, const __m256i (&codes)[kPlanes][kVectors], int from,
                          const int8_t* x) {
  total = Dot::template add<kBits, kCount>(total, codes[0] + from, x);
  if constexpr (kPlanes == 2) {
    const __m256i upper =
        Dot::template add<kBits, kCount>(_mm256_setzero_si256(), codes[1] + from, x);
    total = _mm256_add_epi32(total, _mm256_slli_epi32(upper, 4));
  }
  return total;
}

// t of kernel_table.h: 32 bytes of x, with the sums of each kGroup of them, times codes of group g
// of a block of the weight.
template <typename Format, typename Dot, int kPlanes>
inline __m256 dot(const typename Format::Block& block, const __m256i (&codes)[kPlanes][kVectors],
                  int g, const int8_t* x, const int32_t* minus_sums) {
  constexpr int kSubs = 32 / Format::kGroup;
  constexpr int kCount = kVectors / kSubs;
  __m256 t = _mm256_setzero_ps();
  for (int sub = 0; sub < kSubs; ++sub) {
    __m256i total = _mm256_setzero_si256();
    if constexpr (Format::kOffset != 0)
      total = correction(offset_bits(Format::kOffset), minus_sums + sub);
    const __m256 sum = _mm256_cvtepi32_ps(add_planes<Dot, Format::kBits, kCount>(
        total, codes, sub * kCount, x + sub * Format::kGroup));
    const __m256 scale = Format::scale(block, g * kSubs + sub);
    t = sub == 0 ? _mm256_mul_ps(sum, scale) : _mm256_fmadd_ps(sum, scale, t);
  }
  return t;
}

// One group of 32 values: number g of a block of the weight, number `place` of kM blocks of x.
template <typename Format, typename Dot, int kM>
inline void add_group(const typename Format::Block& block, const uint8_t* w, int g, int half,
                      const QuantizedBlock* const (&x)[kM], int place, __m256* out) {
  constexpr int kSubs = 32 / Format::kGroup;
  __m256i codes[Dot::planes(Format::kBits)][kVectors];
  Format::codes(w, g, half, codes[0]);
  split(codes);
  for (int m = 0; m < kM; ++m) {
    const __m256 t = dot<Format, Dot>(block, codes, g, x[m]->high + place * kQuantGroup,
                                      minus_sums<kSubs>(*x[m]) + place * kSubs);
    out[m] = _mm256_fmadd_ps(t, _mm256_set1_ps(x[m]->scales[place]), out[m]);
    if constexpr (Format::kHasMin) {
      for (int sub = 0; sub < kSubs; ++sub) {
        const float sum = value_sums<kSubs>(*x[m])[place * kSubs + sub];
        out[m] = _mm256_fmadd_ps(Format::min(block, g * kSubs + sub), _mm256_set1_ps(sum), out[m]);
      }
    }
  }
}

// The low bytes of the wide groups of block `at`. w is where its weights begin.
template <typename Format, typename Dot>
[[gnu::noinline]] __m256 add_low(__m256 out, const QuantizedRows& rows, int64_t at,
                                 const uint8_t* w, int half) {
  constexpr int kSubs = 32 / Format::kGroup;
  const QuantizedBlock& x = rows.blocks[at];
  const LowPlane& plane = rows.low[at];
  for_each_wide<Format>(rows.wide[at], w, [&](int place, const uint8_t* weight, int g) {
    __m256i codes[Dot::planes(Format::kBits)][kVectors];
    Format::codes(weight, g, half, codes[0]);
    split(codes);
    const __m256 t =
        dot<Format, Dot>(typename Format::Block(weight, half), codes, g,
                         plane.low + place * kQuantGroup, minus_sums<kSubs>(plane) + place * kSubs);
    out = _mm256_fmadd_ps(t, _mm256_set1_ps(x.scales[place] / 256), out);
  });
  return out;
}

// Rows [i, i + kM) of x times rows 8 half and on of one tile, the direct way.
template <typename Format, typename Dot, int kM>
void few_rows(const PackedMatmulArgs& a, int64_t i, const uint8_t* w, int half, __m256* out) {
  constexpr int kGroups = Format::kValues / kQuantGroup;
  const QuantizedBlock* x[kM];
  for (int m = 0; m < kM; ++m) {
    x[m] = a.x.blocks + x_row(a, i + m);
    out[m] = _mm256_setzero_ps();
  }
  const int64_t all_groups = a.k / kQuantGroup;
  for (int64_t first = 0; first < all_groups; first += kQuantBlockGroups) {
    const int64_t left = all_groups - first;
    const int groups = static_cast<int>(left < kQuantBlockGroups ? left : kQuantBlockGroups);
    const uint8_t* start = w;
    for (int at = 0; at < groups; at += kGroups, w += kTileRows * Format::kBytes) {
      const typename Format::Block block(w, half);
#pragma GCC unroll 8
      for (int g = 0; g < kGroups; ++g) {
        if (kGroups > 1 && half == 0) prefetch_part<Format>(w, g, kPrefetchBytes);
        const int place = kGroups == kQuantBlockGroups ? g : at + g;
        add_group<Format, Dot, kM>(block, w, g, half, x, place, out);
      }
    }
    for (int m = 0; m < kM; ++m) {
      const int64_t at = x[m] - a.x.blocks;
      if (a.x.wide[at] != 0) out[m] = add_low<Format, Dot>(out[m], a.x, at, start, half);
      x[m] += a.x.rows;
    }
  }
}

template <typename Format, typename Dot, int kM>
void few_rows_all_tiles(const PackedMatmulArgs& a, int64_t i) {
  for (int64_t j = 0; j < a.n; j += kTileRows) {
    for (int half = 0; half < 2 && j + 8 * half < a.n; ++half) {
      __m256 out[kM];
      few_rows<Format, Dot, kM>(a, i, a.w + j / kTileRows * a.tile_bytes, half, out);
      const __m256i mask = mask_lanes(a.n - j - 8 * half);
      for (int m = 0; m < kM; ++m)
        _mm256_maskstore_ps(out_row(a, i + m) + j + 8 * half, mask, out[m]);
    }
  }
}

// Up to 256 values of one tile.
template <int kPlanes>
struct Panel {
  alignas(32) uint8_t codes[kQuantBlockGroups][kPlanes][kVectors][2][32];
  alignas(32) float scales[kQuantBlockGroups * 2][2][8];
  alignas(32) float mins[kQuantBlockGroups * 2][2][8];
  int offset_bits;
};

template <typename Format, int kPlanes>
void fill_panel(Panel<kPlanes>& panel, const uint8_t* tile, int64_t first, int groups) {
  constexpr int kGroups = Format::kValues / kQuantGroup;
  constexpr int kSubs = 32 / Format::kGroup;
  const uint8_t* w = tile + first / kGroups * kTileRows * Format::kBytes;
  for (int at = 0; at < groups; at += kGroups, w += kTileRows * Format::kBytes) {
    for (int half = 0; half < 2; ++half) {
      const typename Format::Block block(w, half);
#pragma GCC unroll 8
      for (int g = 0; g < kGroups; ++g) {
        // The panel after this one, while this one is computed with.
        if (half == 0)
          prefetch_part<Format>(w, g, kQuantBlockGroups * kTileRows * Format::kBytes / kGroups);
        __m256i codes[kPlanes][kVectors];
        Format::codes(w, g, half, codes[0]);
        split(codes);
        for (int p = 0; p < kPlanes; ++p) {
          for (int v = 0; v < kVectors; ++v) {
            _mm256_store_si256(reinterpret_cast<__m256i*>(panel.codes[at + g][p][v][half]),
                               codes[p][v]);
          }
        }
        for (int sub = 0; sub < kSubs; ++sub) {
          _mm256_store_ps(panel.scales[(at + g) * kSubs + sub][half],
                          Format::scale(block, g * kSubs + sub));
          if constexpr (Format::kHasMin) {
            _mm256_store_ps(panel.mins[(at + g) * kSubs + sub][half],
                            Format::min(block, g * kSubs + sub));
          }
        }
      }
    }
  }
}

// Where a panel's results go: rows of the weight from `column` on; and which of x it takes.
struct PanelPlace {
  int64_t block;  // of x
  int groups;
  int64_t column;
  __m256i masks[2];
};

// sums[c][h] += codes of kCount vectors of all planes times x.
template <typename Dot, int kBits, int kPlanes, int kCount, int kC>
inline void add_products(__m256i (&sums)[kC][2], const uint8_t (*codes)[kVectors][2][32], int from,
                         const int8_t* const (&x)[kC], int64_t value) {
  Dot::template add_tile<kBits, kCount, kC>(sums, codes[0] + from, x, value);
  if constexpr (kPlanes == 2) {
    __m256i upper[kC][2];
    for (int c = 0; c < kC; ++c) upper[c][0] = upper[c][1] = _mm256_setzero_si256();
    Dot::template add_tile<kBits, kCount, kC>(upper, codes[1] + from, x, value);
    for (int c = 0; c < kC; ++c) {
      for (int h = 0; h < 2; ++h)
        sums[c][h] = _mm256_add_epi32(sums[c][h], _mm256_slli_epi32(upper[c][h], 4));
    }
  }
}

// t of kernel_table.h for 32 bytes of each of kC rows of x, group g of the panel.
template <typename Dot, int kBits, int kSubs, bool kHasMin, int kC>
inline void panel_dot(__m256 (&t)[kC][2], const Panel<Dot::planes(kBits)>& panel, int g,
                      const int8_t* const (&x)[kC], const int32_t* const (&minus_sums)[kC]) {
  constexpr int kCount = kVectors / kSubs;
#pragma GCC unroll 2
  for (int sub = 0; sub < kSubs; ++sub) {
    __m256i sums[kC][2];
    for (int c = 0; c < kC; ++c) {
      sums[c][0] = kHasMin ? _mm256_setzero_si256()
                           : correction(panel.offset_bits, minus_sums[c] + g * kSubs + sub);
      sums[c][1] = sums[c][0];
    }
    add_products<Dot, kBits, Dot::planes(kBits), kCount, kC>(sums, panel.codes[g], sub * kCount, x,
                                                             g * kQuantGroup + sub * 16);
    for (int h = 0; h < 2; ++h) {
      const __m256 scale = _mm256_load_ps(panel.scales[g * kSubs + sub][h]);
      for (int c = 0; c < kC; ++c) {
        const __m256 sum = _mm256_cvtepi32_ps(sums[c][h]);
        t[c][h] = sub == 0 ? _mm256_mul_ps(sum, scale) : _mm256_fmadd_ps(sum, scale, t[c][h]);
      }
    }
  }
}

// Blocks of kC rows of x, one behind the other, times the panel. kSubs scales a group.
template <typename Dot, int kBits, int kSubs, bool kHasMin, int kC>
inline void add_panel(__m256 (&out)[kC][2], const Panel<Dot::planes(kBits)>& panel, int groups,
                      const QuantizedBlock* x) {
  const int8_t* high[kC];
  const int32_t* sums[kC];
  for (int c = 0; c < kC; ++c) {
    high[c] = x[c].high;
    sums[c] = minus_sums<kSubs>(x[c]);
  }
  for (int g = 0; g < groups; ++g) {
    __m256 t[kC][2];
    panel_dot<Dot, kBits, kSubs, kHasMin, kC>(t, panel, g, high, sums);
    for (int c = 0; c < kC; ++c) {
      const __m256 scale = _mm256_set1_ps(x[c].scales[g]);
      for (int h = 0; h < 2; ++h) out[c][h] = _mm256_fmadd_ps(t[c][h], scale, out[c][h]);
    }
    if constexpr (kHasMin) {
      for (int sub = 0; sub < kSubs; ++sub) {
        const __m256 min0 = _mm256_load_ps(panel.mins[g * kSubs + sub][0]);
        const __m256 min1 = _mm256_load_ps(panel.mins[g * kSubs + sub][1]);
        for (int c = 0; c < kC; ++c) {
          const __m256 sum = _mm256_set1_ps(value_sums<kSubs>(x[c])[g * kSubs + sub]);
          out[c][0] = _mm256_fmadd_ps(min0, sum, out[c][0]);
          out[c][1] = _mm256_fmadd_ps(min1, sum, out[c][1]);
        }
      }
    }
  }
}

// The low bytes of the wide groups of block `at`.
template <typename Dot, int kBits, int kSubs, bool kHasMin>
void add_low_bytes(__m256 (&out)[2], const Panel<Dot::planes(kBits)>& panel,
                   const QuantizedRows& rows, int64_t at) {
  const QuantizedBlock& x = rows.blocks[at];
  const int8_t* const low[1] = {rows.low[at].low};
  const int32_t* const sums[1] = {minus_sums<kSubs>(rows.low[at])};
  for (uint32_t wide = rows.wide[at]; wide != 0; wide &= wide - 1) {
    const int g = __builtin_ctz(wide);
    __m256 t[1][2];
    panel_dot<Dot, kBits, kSubs, kHasMin, 1>(t, panel, g, low, sums);
    const __m256 scale = _mm256_set1_ps(x.scales[g] / 256);
    for (int h = 0; h < 2; ++h) out[h] = _mm256_fmadd_ps(t[0][h], scale, out[h]);
  }
}

// Rows [i, i + kC) of x times the panel, added to out.
template <typename Dot, int kBits, int kSubs, bool kHasMin, int kC>
void panel_tile(const PackedMatmulArgs& a, const Panel<Dot::planes(kBits)>& panel, int64_t i,
                const PanelPlace& place) {
  const int64_t block = place.block * a.x.rows;
  const QuantizedBlock* x = a.x.blocks + block + x_row(a, i);
  QuantizedBlock gathered[kC];
  if (a.x_rows != nullptr) {
    for (int c = 0; c < kC; ++c) gathered[c] = a.x.blocks[block + x_row(a, i + c)];
    x = gathered;
  }
  __m256 out[kC][2];
  for (int c = 0; c < kC; ++c) {
    const float* result = out_row(a, i + c) + place.column;
    for (int h = 0; h < 2; ++h) {
      out[c][h] = place.block == 0 ? _mm256_setzero_ps()
                                   : _mm256_maskload_ps(result + 8 * h, place.masks[h]);
    }
  }
  add_panel<Dot, kBits, kSubs, kHasMin, kC>(out, panel, place.groups, x);
  for (int c = 0; c < kC; ++c) {
    add_low_bytes<Dot, kBits, kSubs, kHasMin>(out[c], panel, a.x, block + x_row(a, i + c));
    float* result = out_row(a, i + c) + place.column;
    for (int h = 0; h < 2; ++h) _mm256_maskstore_ps(result + 8 * h, place.masks[h], out[c][h]);
  }
}

template <typename Dot, int kBits, int kSubs, bool kHasMin>
void panel_columns(const PackedMatmulArgs& a, const Panel<Dot::planes(kBits)>& panel,
                   const PanelPlace& place) {
  constexpr int kColumns = Dot::columns(kBits);
  int64_t i = 0;
  for (; i + kColumns <= a.m; i += kColumns)
    panel_tile<Dot, kBits, kSubs, kHasMin, kColumns>(a, panel, i, place);
  for (; i + 2 <= a.m; i += 2) panel_tile<Dot, kBits, kSubs, kHasMin, 2>(a, panel, i, place);
  for (; i < a.m; ++i) panel_tile<Dot, kBits, kSubs, kHasMin, 1>(a, panel, i, place);
}

template <typename Format, typename Dot>
void many_rows(const PackedMatmulArgs& a) {
  constexpr int kBits = Dot::kind(Format::kBits);
  Panel<Dot::planes(kBits)> panel;
  panel.offset_bits = offset_bits(Format::kOffset);
  const int64_t all_groups = a.k / kQuantGroup;
  for (int64_t j = 0; j < a.n; j += kTileRows) {
    PanelPlace place = {0, 0, j, {mask_lanes(a.n - j), mask_lanes(a.n - j - 8)}};
    const uint8_t* tile = a.w + j / kTileRows * a.tile_bytes;
    for (int64_t first = 0; first < all_groups; first += kQuantBlockGroups, ++place.block) {
      const int64_t left = all_groups - first;
      place.groups = static_cast<int>(left < kQuantBlockGroups ? left : kQuantBlockGroups);
      fill_panel<Format>(panel, tile, first, place.groups);
      panel_columns<Dot, kBits, 32 / Format::kGroup, Format::kHasMin>(a, panel, place);
    }
  }
}

template <typename Format, typename Dot>
void packed_matmul(const PackedMatmulArgs& a) {
  switch (a.m) {
    case 0:
      return;
    case 1:
      return few_rows_all_tiles<Format, Dot, 1>(a, 0);
    case 2:
      return few_rows_all_tiles<Format, Dot, 2>(a, 0);
    case kFew:
      return few_rows_all_tiles<Format, Dot, kFew>(a, 0);
    default:
      return many_rows<Format, Dot>(a);
  }
}

template <typename Dot>
PackedMatmul find_packed_matmul_with(uint32_t gguf_id) {
  switch (gguf_id) {
    case 2:
      return packed_matmul<Q4_0, Dot>;
    case 3:
      return packed_matmul<Q4_1, Dot>;
    case 6:
      return packed_matmul<Q5_0, Dot>;
    case 7:
      return packed_matmul<Q5_1, Dot>;
    case 8:
      return packed_matmul<Q8_0, Dot>;
    case 10:
      return packed_matmul<Q2_K, Dot>;
    case 11:
      return packed_matmul<Q3_K, Dot>;
    case 12:
      return packed_matmul<Q4_K, Dot>;
    case 13:
      return packed_matmul<Q5_K, Dot>;
    case 14:
      return packed_matmul<Q6_K, Dot>;
    case 20:
      return packed_matmul<IQ4_NL, Dot>;
    case 23:
      return packed_matmul<IQ4_XS, Dot>;
    default:
      return nullptr;
  }
}

}  // namespace
}  // namespace sparrow::kernels::avx2
