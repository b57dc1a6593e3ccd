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

constexpr int kFew = 4;  // rows of x that the direct way takes at once
// Rows of x in one tile of the panel way: as many as the registers hold sums, results and, with two
// scales a group, what the first of them gave.
template <int kSubs>
constexpr int kColumns = kSubs == 1 ? 6 : 4;
constexpr int kVectors = 8;               // registers that hold 32 values of 16 rows
constexpr int64_t kPrefetchBytes = 4096;  // ahead of the block at hand

int64_t x_row(const PackedMatmulArgs& a, int64_t i) {
  return a.x_rows != nullptr ? a.x_rows[i] : i;
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

// total + the sum over kCount vectors of codes times x, exact.
template <int kCount>
inline __m512i add_dot(__m512i total, const __m512i* codes, const int8_t* x) {
  for (int i = 0; i < kCount; ++i) total = _mm512_dpbusd_epi32(total, codes[i], four_of(x + 4 * i));
  return total;
}

const int8_t* low_of(const QuantizedRows& rows, const QuantizedBlock* block) {
  return rows.low + (block - rows.blocks) * kQuantBlock;
}

// Of as many values as share a scale of the weight, of which a group of 32 has kSubs.
template <int kSubs>
inline const int32_t* minus_sums(const QuantizedBlock& x) {
  return kSubs == 1 ? x.minus_sums32 : x.minus_sums16;
}
template <int kSubs>
inline const float* scaled_sums(const QuantizedBlock& x) {
  return kSubs == 1 ? x.scaled_sums32 : x.scaled_sums16;
}

// Codes times part `sub` of group `place` of x.
template <typename Format>
inline __m512i dot(const __m512i* codes, const QuantizedRows& rows, const QuantizedBlock* x,
                   int place, int sub) {
  constexpr int kSubs = 32 / Format::kGroup;
  constexpr int kCount = kVectors / kSubs;
  const int64_t value = place * kQuantGroup + sub * 16;
  __m512i start = _mm512_setzero_si512();
  if constexpr (Format::kOffset != 0)
    start = correction(offset_bits(Format::kOffset), minus_sums<kSubs>(*x) + place * kSubs + sub);
  if (x->in_16_bits[place] == 0) [[likely]]
    return add_dot<kCount>(start, codes, x->high + value);
  const __m512i upper = add_dot<kCount>(_mm512_setzero_si512(), codes, x->high + value);
  return add_dot<kCount>(_mm512_add_epi32(start, _mm512_slli_epi32(upper, 8)), codes,
                         low_of(rows, x) + value);
}

// One group of 32 values: number g of a block of the weight, number `place` of kM blocks of x.
template <typename Format, int kM>
inline void add_group(const typename Format::Block& block, const uint8_t* w, int g,
                      const QuantizedRows& rows, const QuantizedBlock* const (&x)[kM], int place,
                      __m512* out) {
  constexpr int kSubs = 32 / Format::kGroup;
  __m512i codes[kVectors];
  Format::codes(w, g, codes);
  for (int m = 0; m < kM; ++m) {
    __m512 t = _mm512_setzero_ps();
    for (int sub = 0; sub < kSubs; ++sub) {
      const __m512 sum =
          _mm512_cvtepi32_ps(dot<Format>(codes + sub * kVectors / kSubs, rows, x[m], place, sub));
      const __m512 scale = Format::scale(block, g * kSubs + sub);
      t = sub == 0 ? _mm512_mul_ps(sum, scale) : _mm512_fmadd_ps(sum, scale, t);
    }
    out[m] = _mm512_fmadd_ps(t, _mm512_set1_ps(x[m]->scales[place]), out[m]);
    if constexpr (Format::kHasMin) {
      for (int sub = 0; sub < kSubs; ++sub) {
        const float sum = scaled_sums<kSubs>(*x[m])[place * kSubs + sub];
        out[m] = _mm512_fmadd_ps(Format::min(block, g * kSubs + sub), _mm512_set1_ps(sum), out[m]);
      }
    }
  }
}

// Rows [i, i + kM) of x times one tile, the direct way.
template <typename Format, int kM>
void few_rows(const PackedMatmulArgs& a, int64_t i, const uint8_t* w, __m512* out) {
  constexpr int kGroups = Format::kValues / kQuantGroup;
  const QuantizedBlock* x[kM];
  for (int m = 0; m < kM; ++m) {
    x[m] = a.x.blocks + x_row(a, i + m);
    out[m] = _mm512_setzero_ps();
  }
  const int64_t all_groups = a.k / kQuantGroup;
  for (int64_t first = 0; first < all_groups; first += kQuantBlockGroups) {
    const int64_t left = all_groups - first;
    const int groups = static_cast<int>(left < kQuantBlockGroups ? left : kQuantBlockGroups);
    for (int at = 0; at < groups; at += kGroups, w += kTileRows * Format::kBytes) {
      const typename Format::Block block(w);
#pragma GCC unroll 8
      for (int g = 0; g < kGroups; ++g) {
        prefetch_part<Format>(w, g, kPrefetchBytes);
        const int place = kGroups == kQuantBlockGroups ? g : at + g;
        add_group<Format, kM>(block, w, g, a.x, x, place, out);
      }
    }
    for (int m = 0; m < kM; ++m) x[m] += a.x.rows;
  }
}

template <typename Format, int kM>
void few_rows_all_tiles(const PackedMatmulArgs& a, int64_t i) {
  for (int64_t j = 0; j < a.n; j += kTileRows) {
    __m512 out[kM];
    few_rows<Format, kM>(a, i, a.w + j / kTileRows * a.tile_bytes, out);
    const int64_t rows = a.n - j;
    const __mmask16 mask = rows >= kTileRows ? 0xffff : static_cast<__mmask16>((1 << rows) - 1);
    for (int m = 0; m < kM; ++m) _mm512_mask_storeu_ps(out_row(a, i + m) + j, mask, out[m]);
  }
}

// Up to 256 values of 32 rows: two tiles side by side, in the one form that all formats unpack to.
struct Panel {
  alignas(64) uint8_t codes[kQuantBlockGroups * kVectors][2][64];
  alignas(64) float scales[kQuantBlockGroups * 2][2][16];
  alignas(64) float mins[kQuantBlockGroups * 2][2][16];
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
      prefetch_part<Format>(w, g, kQuantBlockGroups * kTileRows * Format::kBytes / kGroups);
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

// Where a panel's results go: rows of the weight from `column` on; and which of x it takes.
struct PanelPlace {
  int64_t block;  // of x
  int groups;
  int64_t column;
  __mmask16 masks[2];
};

// sums[c][h] += codes of kCount vectors times values of x from `value` on.
template <int kCount, int kC>
inline void add_products(__m512i (&sums)[kC][2], const uint8_t (*codes)[2][64],
                         const QuantizedBlock* x, int value) {
#pragma GCC unroll 8
  for (int v = 0; v < kCount; ++v) {
    const __m512i w0 = _mm512_load_si512(codes[v][0]);
    const __m512i w1 = _mm512_load_si512(codes[v][1]);
#pragma GCC unroll 8
    for (int c = 0; c < kC; ++c) {
      const __m512i four = four_of(x[c].high + value + 4 * v);
      sums[c][0] = _mm512_dpbusd_epi32(sums[c][0], w0, four);
      sums[c][1] = _mm512_dpbusd_epi32(sums[c][1], w1, four);
    }
  }
}

// What a sum of the upper bytes becomes with the lower ones.
template <int kCount>
inline void widen(__m512i (&sums)[2], const uint8_t (*codes)[2][64], const int8_t* low,
                  __m512i start) {
  for (int h = 0; h < 2; ++h) {
    const __m512i upper = _mm512_sub_epi32(sums[h], start);
    sums[h] = _mm512_add_epi32(_mm512_slli_epi32(upper, 8), start);
  }
#pragma GCC unroll 8
  for (int v = 0; v < kCount; ++v) {
    const __m512i four = four_of(low + 4 * v);
    for (int h = 0; h < 2; ++h)
      sums[h] = _mm512_dpbusd_epi32(sums[h], _mm512_load_si512(codes[v][h]), four);
  }
}

// What kC rows of x have for one panel.
struct PanelRows {
  const QuantizedBlock* x;  // kC blocks, one behind the other
  const int8_t* low;        // the same of each
  float* const* out;        // where the results of each begin
};

// Adds their products with the panel. kSubs scales a group. By itself, so that the compiler has all
// registers for it.
template <int kSubs, bool kHasMin, int kC>
[[gnu::noinline]] void add_panel(const Panel& panel, const PanelPlace& place,
                                 const PanelRows& rows) {
  constexpr int kCount = kVectors / kSubs;
  const QuantizedBlock* x = rows.x;
  const int8_t* low = rows.low;
  __m512 out[kC][2];
#pragma GCC unroll 8
  for (int c = 0; c < kC; ++c) {
    for (int h = 0; h < 2; ++h) {
      out[c][h] = place.block == 0 ? _mm512_setzero_ps()
                                   : _mm512_maskz_loadu_ps(place.masks[h], rows.out[c] + 16 * h);
    }
  }
  const int groups = place.groups;
  for (int g = 0; g < groups; ++g) {
    __m512 t[kC][2];
    int outliers = 0;  // rows of x whose group is in 16 bits
#pragma GCC unroll 8
    for (int c = 0; c < kC; ++c) outliers |= x[c].in_16_bits[g];
#pragma GCC unroll 2
    for (int sub = 0; sub < kSubs; ++sub) {
      const uint8_t(*codes)[2][64] = panel.codes + g * kVectors + sub * kCount;
      const int value = g * static_cast<int>(kQuantGroup) + sub * 16;
      const auto start = [&](int c) {
        return kHasMin ? _mm512_setzero_si512()
                       : correction(panel.offset_bits, minus_sums<kSubs>(x[c]) + g * kSubs + sub);
      };
      __m512i sums[kC][2];
#pragma GCC unroll 8
      for (int c = 0; c < kC; ++c) sums[c][0] = sums[c][1] = start(c);
      add_products<kCount, kC>(sums, codes, x, value);
      if (outliers != 0) [[unlikely]] {
#pragma GCC unroll 8
        for (int c = 0; c < kC; ++c) {
          if (x[c].in_16_bits[g] != 0)
            widen<kCount>(sums[c], codes, low + c * kQuantBlock + value, start(c));
        }
      }
      const __m512 scale0 = _mm512_load_ps(panel.scales[g * kSubs + sub][0]);
      const __m512 scale1 = _mm512_load_ps(panel.scales[g * kSubs + sub][1]);
#pragma GCC unroll 8
      for (int c = 0; c < kC; ++c) {
        const __m512 sum0 = _mm512_cvtepi32_ps(sums[c][0]);
        const __m512 sum1 = _mm512_cvtepi32_ps(sums[c][1]);
        t[c][0] = sub == 0 ? _mm512_mul_ps(sum0, scale0) : _mm512_fmadd_ps(sum0, scale0, t[c][0]);
        t[c][1] = sub == 0 ? _mm512_mul_ps(sum1, scale1) : _mm512_fmadd_ps(sum1, scale1, t[c][1]);
        if (sub == kSubs - 1) {
          const __m512 scale = _mm512_set1_ps(x[c].scales[g]);
          out[c][0] = _mm512_fmadd_ps(t[c][0], scale, out[c][0]);
          out[c][1] = _mm512_fmadd_ps(t[c][1], scale, out[c][1]);
        }
      }
    }
    if constexpr (kHasMin) {
#pragma GCC unroll 2
      for (int sub = 0; sub < kSubs; ++sub) {
        const __m512 min0 = _mm512_load_ps(panel.mins[g * kSubs + sub][0]);
        const __m512 min1 = _mm512_load_ps(panel.mins[g * kSubs + sub][1]);
#pragma GCC unroll 8
        for (int c = 0; c < kC; ++c) {
          const __m512 sum = _mm512_set1_ps(scaled_sums<kSubs>(x[c])[g * kSubs + sub]);
          out[c][0] = _mm512_fmadd_ps(min0, sum, out[c][0]);
          out[c][1] = _mm512_fmadd_ps(min1, sum, out[c][1]);
        }
      }
    }
  }
#pragma GCC unroll 8
  for (int c = 0; c < kC; ++c) {
    for (int h = 0; h < 2; ++h)
      _mm512_mask_storeu_ps(rows.out[c] + 16 * h, place.masks[h], out[c][h]);
  }
}

// Rows [i, i + kC) of x times the panel.
template <int kSubs, bool kHasMin, int kC>
void panel_tile(const PackedMatmulArgs& a, const Panel& panel, int64_t i, const PanelPlace& place) {
  float* out[kC];
  for (int c = 0; c < kC; ++c) out[c] = out_row(a, i + c) + place.column;
  const int64_t first = place.block * a.x.rows;
  if (a.x_rows == nullptr) {
    add_panel<kSubs, kHasMin, kC>(
        panel, place, {a.x.blocks + first + i, a.x.low + (first + i) * kQuantBlock, out});
    return;
  }
  QuantizedBlock gathered[kC];
  int8_t low[kC * kQuantBlock];
  for (int c = 0; c < kC; ++c) {
    const int64_t block = first + a.x_rows[i + c];
    gathered[c] = a.x.blocks[block];
    __builtin_memcpy(low + c * kQuantBlock, a.x.low + block * kQuantBlock, kQuantBlock);
  }
  add_panel<kSubs, kHasMin, kC>(panel, place, {gathered, low, out});
}

template <int kSubs, bool kHasMin>
void panel_columns(const PackedMatmulArgs& a, const Panel& panel, const PanelPlace& place) {
  int64_t i = 0;
  for (; i + kColumns<kSubs> <= a.m; i += kColumns<kSubs>)
    panel_tile<kSubs, kHasMin, kColumns<kSubs>>(a, panel, i, place);
  switch (a.m - i) {
    case 1:
      return panel_tile<kSubs, kHasMin, 1>(a, panel, i, place);
    case 2:
      return panel_tile<kSubs, kHasMin, 2>(a, panel, i, place);
    case 3:
      return panel_tile<kSubs, kHasMin, 3>(a, panel, i, place);
    case 4:
      return panel_tile<kSubs, kHasMin, 4>(a, panel, i, place);
    case 5:
      return panel_tile<kSubs, kHasMin, 5>(a, panel, i, place);
    default:
      return;
  }
}

template <typename Format>
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
    for (int64_t first = 0; first < all_groups; first += kQuantBlockGroups, ++place.block) {
      const int64_t left = all_groups - first;
      place.groups = static_cast<int>(left < kQuantBlockGroups ? left : kQuantBlockGroups);
      fill_panel<Format>(panel, 0, tile, first, place.groups);
      // A last tile that stands alone is multiplied twice, and once stored.
      const bool is_last_alone = place.masks[1] == 0;
      fill_panel<Format>(panel, 1, is_last_alone ? tile : tile + a.tile_bytes, first, place.groups);
      panel_columns<32 / Format::kGroup, Format::kHasMin>(a, panel, place);
    }
  }
}

template <typename Format>
void packed_matmul(const PackedMatmulArgs& a) {
  if (a.m > kFew) {
    many_rows<Format>(a);
    return;
  }
  switch (a.m) {
    case 1:
      return few_rows_all_tiles<Format, 1>(a, 0);
    case 2:
      return few_rows_all_tiles<Format, 2>(a, 0);
    case 3:
      return few_rows_all_tiles<Format, 3>(a, 0);
    case 4:
      return few_rows_all_tiles<Format, 4>(a, 0);
    default:
      return;
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
