// Products of quantized activations with packed weights by VPDPBUSD (unsigned codes of the weight
// times signed values of x). kernel_table.h defines the result; integer sums inside a group are
// exact, so the two ways here give the same bits:
//   few rows of x: each weight is unpacked in registers and used at once, at the speed of memory;
//   many rows: 32 rows of the weight are unpacked into a panel in the L1 cache, a block of 256 at a
//   time, and multiplied with six rows of x at once (12 sums, 12 results and the operands fill the
//   32 registers).
#include "kernels/avx512/packed_formats.h"
#include "kernels/avx512/table.h"

namespace sparrow::kernels::avx512 {
namespace {

constexpr int kFew = 4;                   // rows of x that the direct way takes at once
constexpr int kColumns = 6;               // rows of x in one tile of the panel way
constexpr int kPanelGroups = 8;           // groups of 32 values
constexpr int kVectors = 8;               // registers that hold 32 values of 16 rows
constexpr int64_t kPrefetchBytes = 4096;  // ahead of the block at hand

struct XRow {
  const int8_t* high;
  const int8_t* low;
  const float* scales;
  const int32_t* minus_sums16;
  const int32_t* minus_sums32;
  const float* scaled_sums16;
  const float* scaled_sums32;
};

XRow x_row(const PackedMatmulArgs& a, int64_t i) {
  const int64_t row = a.x_rows != nullptr ? a.x_rows[i] : i;
  const int64_t groups = a.k / kQuantGroup;
  return {a.x.high + row * a.k,
          a.x.low == nullptr ? nullptr : a.x.low + row * a.k,
          a.x.scales + row * groups,
          a.x.minus_sums16 + row * 2 * groups,
          a.x.minus_sums32 + row * groups,
          a.x.scaled_sums16 + row * 2 * groups,
          a.x.scaled_sums32 + row * groups};
}

float* out_row(const PackedMatmulArgs& a, int64_t i) {
  return a.out + (a.out_rows != nullptr ? a.out_rows[i] : i) * a.out_stride;
}

inline __m512i four_of(const int8_t* x) {
  int32_t value;
  __builtin_memcpy(&value, x, sizeof(value));
  return _mm512_set1_epi32(value);
}

// What the codes' offset, a power of two, makes too much: what a sum of products begins with.
inline __m512i correction(int offset_bits, const int32_t* minus_sum) {
  return _mm512_sll_epi32(_mm512_set1_epi32(*minus_sum), _mm_cvtsi32_si128(offset_bits));
}

// The logarithm of an offset.
constexpr int offset_bits(int offset) { return offset <= 1 ? 0 : 1 + offset_bits(offset / 2); }

// Asks for the cache lines of part g of `parts` of the block that lies `ahead` bytes further on.
// The fields of a block are read side by side, in an order the hardware does not foresee; what is
// asked for may lie beyond the weight.
template <typename Format>
inline void prefetch_part(const uint8_t* w, int g, int64_t ahead) {
  constexpr int kBytes = kTileRows * Format::kBytes;
  constexpr int kPart = kBytes / (Format::kValues / kQuantGroup);
  for (int line = 0; line < kPart; line += 64)
    _mm_prefetch(reinterpret_cast<const char*>(w + ahead + g * kPart + line), _MM_HINT_T0);
}

// Sum over count vectors of codes times x, exact.
template <int kCount, int kOffset, bool kWide>
inline __m512i dot(const __m512i* codes, const int8_t* high, const int8_t* low,
                   const int32_t* minus_sum) {
  if constexpr (kWide) {
    __m512i total = _mm512_setzero_si512();
    for (int i = 0; i < kCount; ++i)
      total = _mm512_dpbusd_epi32(total, codes[i], four_of(high + 4 * i));
    total = _mm512_slli_epi32(total, 8);
    if constexpr (kOffset != 0)
      total = _mm512_add_epi32(total, correction(offset_bits(kOffset), minus_sum));
    for (int i = 0; i < kCount; ++i)
      total = _mm512_dpbusd_epi32(total, codes[i], four_of(low + 4 * i));
    return total;
  } else {
    __m512i total =
        kOffset != 0 ? correction(offset_bits(kOffset), minus_sum) : _mm512_setzero_si512();
    for (int i = 0; i < kCount; ++i)
      total = _mm512_dpbusd_epi32(total, codes[i], four_of(high + 4 * i));
    return total;
  }
}

// Rows [i, i + kM) of x times one tile, the direct way.
template <typename Format, int kM, bool kWide>
void few_rows(const PackedMatmulArgs& a, int64_t i, const uint8_t* w, __m512* out) {
  constexpr int kGroups = Format::kValues / kQuantGroup;
  XRow x[kM];
  for (int m = 0; m < kM; ++m) x[m] = x_row(a, i + m);
  for (int m = 0; m < kM; ++m) out[m] = _mm512_setzero_ps();
  const int64_t blocks = a.k / Format::kValues;
  for (int64_t b = 0; b < blocks; ++b, w += kTileRows * Format::kBytes) {
    const typename Format::Block block(w);
#pragma GCC unroll 8
    for (int g = 0; g < kGroups; ++g) {
      prefetch_part<Format>(w, g, kPrefetchBytes);
      __m512i codes[kVectors];
      Format::codes(w, g, codes);
      const int64_t group = b * kGroups + g;
      for (int m = 0; m < kM; ++m) {
        const int8_t* high = x[m].high + group * kQuantGroup;
        const int8_t* low = kWide ? x[m].low + group * kQuantGroup : nullptr;
        __m512 t;
        if constexpr (Format::kGroup == 32) {
          const __m512i sum =
              dot<8, Format::kOffset, kWide>(codes, high, low, x[m].minus_sums32 + group);
          t = _mm512_mul_ps(_mm512_cvtepi32_ps(sum), Format::scale(block, g));
        } else {
          const __m512i first =
              dot<4, Format::kOffset, kWide>(codes, high, low, x[m].minus_sums16 + 2 * group);
          const __m512i second = dot<4, Format::kOffset, kWide>(
              codes + 4, high + 16, kWide ? low + 16 : nullptr, x[m].minus_sums16 + 2 * group + 1);
          t = _mm512_mul_ps(_mm512_cvtepi32_ps(first), Format::scale(block, 2 * g));
          t = _mm512_fmadd_ps(_mm512_cvtepi32_ps(second), Format::scale(block, 2 * g + 1), t);
        }
        out[m] = _mm512_fmadd_ps(t, _mm512_set1_ps(x[m].scales[group]), out[m]);
        if constexpr (Format::kHasMin && Format::kGroup == 32) {
          out[m] = _mm512_fmadd_ps(Format::min(block, g), _mm512_set1_ps(x[m].scaled_sums32[group]),
                                   out[m]);
        } else if constexpr (Format::kHasMin) {
          for (int sub = 0; sub < 2; ++sub) {
            out[m] = _mm512_fmadd_ps(Format::min(block, 2 * g + sub),
                                     _mm512_set1_ps(x[m].scaled_sums16[2 * group + sub]), out[m]);
          }
        }
      }
    }
  }
}

template <typename Format, int kM, bool kWide>
void few_rows_all_tiles(const PackedMatmulArgs& a, int64_t i) {
  for (int64_t j = 0; j < a.n; j += kTileRows) {
    __m512 out[kM];
    few_rows<Format, kM, kWide>(a, i, a.w + j / kTileRows * a.tile_bytes, out);
    const int64_t rows = a.n - j;
    const __mmask16 mask = rows >= kTileRows ? 0xffff : static_cast<__mmask16>((1 << rows) - 1);
    for (int m = 0; m < kM; ++m) _mm512_mask_storeu_ps(out_row(a, i + m) + j, mask, out[m]);
  }
}

// Up to 256 values of 32 rows: two tiles side by side, in the one form that all formats unpack to.
struct Panel {
  alignas(64) uint8_t codes[kPanelGroups * kVectors][2][64];
  alignas(64) float scales[kPanelGroups * 2][2][16];
  alignas(64) float mins[kPanelGroups * 2][2][16];
  int offset_bits;
};

// Groups [first, first + groups) of one tile.
template <typename Format>
void fill_panel(Panel& panel, int half, const uint8_t* tile, int64_t first, int groups) {
  constexpr int kGroups = Format::kValues / kQuantGroup;
  constexpr int kSubs = 32 / Format::kGroup;
  const uint8_t* w = tile + first / kGroups * kTileRows * Format::kBytes;
  for (int at = 0; at < groups; at += kGroups, w += kTileRows * Format::kBytes) {
    const typename Format::Block block(w);
#pragma GCC unroll 8
    for (int g = 0; g < kGroups; ++g) {
      // The panel after this one, while this one is computed with.
      prefetch_part<Format>(w, g, kPanelGroups * kTileRows * Format::kBytes / kGroups);
      __m512i codes[kVectors];
      Format::codes(w, g, codes);
      for (int v = 0; v < kVectors; ++v)
        _mm512_store_si512(panel.codes[(at + g) * kVectors + v][half], codes[v]);
      for (int sub = 0; sub < kSubs; ++sub) {
        _mm512_store_ps(panel.scales[(at + g) * kSubs + sub][half],
                        Format::scale(block, g * kSubs + sub));
        if constexpr (Format::kHasMin) {
          _mm512_store_ps(panel.mins[(at + g) * kSubs + sub][half],
                          Format::min(block, g * kSubs + sub));
        }
      }
    }
  }
}

// Where a panel's results go: rows of the weight from `column` on.
struct PanelPlace {
  int64_t first;  // group
  int groups;
  int64_t column;
  __mmask16 masks[2];
};

// sums[c][h] += codes of kCount vectors times x.
template <int kCount, int kC>
inline void add_products(__m512i (&sums)[kC][2], const uint8_t (*codes)[2][64],
                         const int8_t* const (&x)[kC], int64_t offset) {
#pragma GCC unroll 8
  for (int v = 0; v < kCount; ++v) {
    const __m512i w0 = _mm512_load_si512(codes[v][0]);
    const __m512i w1 = _mm512_load_si512(codes[v][1]);
#pragma GCC unroll 8
    for (int c = 0; c < kC; ++c) {
      const __m512i four = four_of(x[c] + offset + 4 * v);
      sums[c][0] = _mm512_dpbusd_epi32(sums[c][0], w0, four);
      sums[c][1] = _mm512_dpbusd_epi32(sums[c][1], w1, four);
    }
  }
}

// kC rows of x from i times the panel, added to out. kSubs scales a group.
template <int kSubs, bool kHasMin, int kC, bool kWide>
void panel_tile(const PackedMatmulArgs& a, const Panel& panel, int64_t i, const PanelPlace& place) {
  constexpr int kCount = kVectors / kSubs;
  const int8_t* high[kC];
  const int8_t* low[kC];
  const float* scales[kC];
  const int32_t* minus_sums[kC];
  const float* scaled[kC];
  __m512 out[kC][2];
  for (int c = 0; c < kC; ++c) {
    const XRow x = x_row(a, i + c);
    high[c] = x.high + place.first * kQuantGroup;
    low[c] = kWide ? x.low + place.first * kQuantGroup : nullptr;
    scales[c] = x.scales + place.first;
    minus_sums[c] = (kSubs == 1 ? x.minus_sums32 : x.minus_sums16) + kSubs * place.first;
    scaled[c] = (kSubs == 1 ? x.scaled_sums32 : x.scaled_sums16) + kSubs * place.first;
    for (int h = 0; h < 2; ++h) {
      const float* result = out_row(a, i + c) + place.column + 16 * h;
      out[c][h] =
          place.first == 0 ? _mm512_setzero_ps() : _mm512_maskz_loadu_ps(place.masks[h], result);
    }
  }
  for (int g = 0; g < place.groups; ++g) {
    __m512 t[kC][2];
#pragma GCC unroll 2
    for (int sub = 0; sub < kSubs; ++sub) {
      const int vector = g * kVectors + sub * kCount;
      const int64_t offset = g * kQuantGroup + sub * 16;
      __m512i start[kC];
      for (int c = 0; c < kC; ++c) {
        start[c] = kHasMin ? _mm512_setzero_si512()
                           : correction(panel.offset_bits, minus_sums[c] + g * kSubs + sub);
      }
      __m512i sums[kC][2];
      for (int c = 0; c < kC; ++c)
        sums[c][0] = sums[c][1] = kWide ? _mm512_setzero_si512() : start[c];
      add_products<kCount, kC>(sums, panel.codes + vector, high, offset);
      if constexpr (kWide) {
        for (int c = 0; c < kC; ++c) {
          for (int h = 0; h < 2; ++h)
            sums[c][h] = _mm512_add_epi32(_mm512_slli_epi32(sums[c][h], 8), start[c]);
        }
        add_products<kCount, kC>(sums, panel.codes + vector, low, offset);
      }
#pragma GCC unroll 2
      for (int h = 0; h < 2; ++h) {
        const __m512 scale = _mm512_load_ps(panel.scales[g * kSubs + sub][h]);
#pragma GCC unroll 8
        for (int c = 0; c < kC; ++c) {
          const __m512 sum = _mm512_cvtepi32_ps(sums[c][h]);
          t[c][h] = sub == 0 ? _mm512_mul_ps(sum, scale) : _mm512_fmadd_ps(sum, scale, t[c][h]);
        }
      }
    }
#pragma GCC unroll 8
    for (int c = 0; c < kC; ++c) {
      const __m512 scale = _mm512_set1_ps(scales[c][g]);
      for (int h = 0; h < 2; ++h) out[c][h] = _mm512_fmadd_ps(t[c][h], scale, out[c][h]);
    }
    if constexpr (kHasMin) {
#pragma GCC unroll 2
      for (int sub = 0; sub < kSubs; ++sub) {
        const __m512 min0 = _mm512_load_ps(panel.mins[g * kSubs + sub][0]);
        const __m512 min1 = _mm512_load_ps(panel.mins[g * kSubs + sub][1]);
#pragma GCC unroll 8
        for (int c = 0; c < kC; ++c) {
          const __m512 sum = _mm512_set1_ps(scaled[c][g * kSubs + sub]);
          out[c][0] = _mm512_fmadd_ps(min0, sum, out[c][0]);
          out[c][1] = _mm512_fmadd_ps(min1, sum, out[c][1]);
        }
      }
    }
  }
  for (int c = 0; c < kC; ++c) {
    for (int h = 0; h < 2; ++h) {
      _mm512_mask_storeu_ps(out_row(a, i + c) + place.column + 16 * h, place.masks[h], out[c][h]);
    }
  }
}

template <int kSubs, bool kHasMin, bool kWide>
void panel_columns(const PackedMatmulArgs& a, const Panel& panel, const PanelPlace& place) {
  int64_t i = 0;
  for (; i + kColumns <= a.m; i += kColumns)
    panel_tile<kSubs, kHasMin, kColumns, kWide>(a, panel, i, place);
  switch (a.m - i) {
    case 1:
      return panel_tile<kSubs, kHasMin, 1, kWide>(a, panel, i, place);
    case 2:
      return panel_tile<kSubs, kHasMin, 2, kWide>(a, panel, i, place);
    case 3:
      return panel_tile<kSubs, kHasMin, 3, kWide>(a, panel, i, place);
    case 4:
      return panel_tile<kSubs, kHasMin, 4, kWide>(a, panel, i, place);
    case 5:
      return panel_tile<kSubs, kHasMin, 5, kWide>(a, panel, i, place);
    default:
      return;
  }
}

template <typename Format, bool kWide>
void many_rows(const PackedMatmulArgs& a) {
  Panel panel;
  panel.offset_bits = offset_bits(Format::kOffset);
  const int64_t all_groups = a.k / kQuantGroup;
  for (int64_t j = 0; j < a.n; j += 2 * kTileRows) {
    PanelPlace place = {0, 0, j, {}};
    for (int h = 0; h < 2; ++h) {
      const int64_t left = a.n - j - 16 * h;
      place.masks[h] = left >= 16  ? 0xffff
                       : left <= 0 ? 0
                                   : static_cast<__mmask16>((1 << left) - 1);
    }
    const uint8_t* tile = a.w + j / kTileRows * a.tile_bytes;
    for (place.first = 0; place.first < all_groups; place.first += kPanelGroups) {
      const int64_t left = all_groups - place.first;
      place.groups = static_cast<int>(left < kPanelGroups ? left : kPanelGroups);
      fill_panel<Format>(panel, 0, tile, place.first, place.groups);
      // A last tile that stands alone is multiplied twice, and once stored.
      const bool is_last_alone = place.masks[1] == 0;
      fill_panel<Format>(panel, 1, is_last_alone ? tile : tile + a.tile_bytes, place.first,
                         place.groups);
      panel_columns<32 / Format::kGroup, Format::kHasMin, kWide>(a, panel, place);
    }
  }
}

template <typename Format, bool kWide>
void matmul(const PackedMatmulArgs& a) {
  if (a.m > kFew) {
    many_rows<Format, kWide>(a);
    return;
  }
  switch (a.m) {
    case 1:
      return few_rows_all_tiles<Format, 1, kWide>(a, 0);
    case 2:
      return few_rows_all_tiles<Format, 2, kWide>(a, 0);
    case 3:
      return few_rows_all_tiles<Format, 3, kWide>(a, 0);
    case 4:
      return few_rows_all_tiles<Format, 4, kWide>(a, 0);
    default:
      return;
  }
}

template <typename Format>
void packed_matmul(const PackedMatmulArgs& a) {
  if (a.x.low == nullptr) {
    matmul<Format, false>(a);
  } else {
    matmul<Format, true>(a);
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

}  // namespace sparrow::kernels::avx512
