// Products of quantized activations with packed weights by VPDPBUSD (unsigned codes of the weight
// times signed bytes of x). kernel_table.h defines the result; integer sums inside a group are
// exact, so the two ways here give the same bits:
//   few rows of x: each weight is unpacked in registers and used at once, at the speed of memory;
//   many rows: 32 rows of the weight are unpacked into a panel in the L1 cache, a block of 256 at a
//   time, and multiplied with six rows of x at once: 12 results, 12 sums and the operands fill the
//   32 registers, four bytes of x are loaded once for both halves of the panel, and two products
//   can begin in each cycle, as 12 chains hide their latency of 4 or 5.
#include "kernels/avx512/packed_formats.h"
#include "kernels/avx512/table.h"
#include "kernels/packed_walk.h"

namespace sparrow::kernels::avx512 {
namespace {

constexpr int kFew = 4;  // rows of x that the direct way takes at once
// Rows of x in one tile of the panel way: as many as the registers hold results, sums and, with two
// scales a group, what the first of them gave.
template <int kSubs>
constexpr int kColumns = kSubs == 1 ? 6 : 4;
constexpr int kVectors = 8;                // registers that hold 32 values of 16 rows
constexpr int kPanelRows = 2 * kTileRows;  // of the weight
constexpr int64_t kMostRows = 512;         // of x that the panel way takes at once

// The instructions below stay in the order in which they are written, some with their memory
// operand: left to itself GCC 12 gives what they read, and sums of later rows, registers that are
// not there.

// sum += codes times the four values at x.
inline void add_four(__m512i& sum, __m512i codes, const int8_t* x) {
  asm volatile("vpdpbusd %2%{1to16%}, %1, %0"
               : "+v"(sum)
               : "v"(codes), "m"(*reinterpret_cast<const int32_t*>(x)));
}

// The same, with the four values in every lane of x.
inline void add_four(__m512i& sum, __m512i codes, __m512i x) {
  asm volatile("vpdpbusd %2, %1, %0" : "+v"(sum) : "v"(codes), "v"(x));
}

inline __m512i broadcast(const int32_t& x) {
  __m512i all;
  asm volatile("vpbroadcastd %1, %0" : "=v"(all) : "m"(x));
  return all;
}

inline __m512i load_codes(const uint8_t* codes) {
  __m512i all;
  asm volatile("vmovdqa64 %1, %0" : "=v"(all) : "m"(*reinterpret_cast<const __m512i*>(codes)));
  return all;
}

// out = fma(v, x, out).
inline void add_scaled(__m512& out, __m512 v, const float& x) {
  asm volatile("vfmadd231ps %2%{1to16%}, %1, %0" : "+v"(out) : "v"(v), "m"(x));
}

// What the codes' offset, a power of two, makes too much: what a sum of products begins with.
inline __m512i correction(int offset_bits, const int32_t* minus_sum) {
  return _mm512_sll_epi32(_mm512_set1_epi32(*minus_sum), _mm_cvtsi32_si128(offset_bits));
}

// total + the sum over kCount vectors of codes times x, exact.
template <int kCount>
inline __m512i add_dot(__m512i total, const __m512i* codes, const int8_t* x) {
  for (int i = 0; i < kCount; ++i) add_four(total, codes[i], x + 4 * i);
  return total;
}

// t of kernel_table.h: 32 bytes of x, with the sums of each kGroup of them, times codes of group g
// of a block of the weight.
template <typename Format>
inline __m512 dot(const typename Format::Block& block, const __m512i* codes, int g, const int8_t* x,
                  const int32_t* minus_sums) {
  constexpr int kSubs = 32 / Format::kGroup;
  constexpr int kCount = kVectors / kSubs;
  __m512 t = _mm512_setzero_ps();
  for (int sub = 0; sub < kSubs; ++sub) {
    __m512i total = _mm512_setzero_si512();
    if constexpr (Format::kOffset != 0)
      total = correction(offset_bits(Format::kOffset), minus_sums + sub);
    const __m512 sum =
        _mm512_cvtepi32_ps(add_dot<kCount>(total, codes + sub * kCount, x + sub * Format::kGroup));
    const __m512 scale = Format::scale(block, g * kSubs + sub);
    t = sub == 0 ? _mm512_mul_ps(sum, scale) : _mm512_fmadd_ps(sum, scale, t);
  }
  return t;
}

// One group of 32 values: number g of a block of the weight, number `place` of kM blocks of x.
template <typename Format, int kM>
inline void add_group(const typename Format::Block& block, const uint8_t* w, int g,
                      const QuantizedBlock* const (&x)[kM], int place, __m512* out) {
  constexpr int kSubs = 32 / Format::kGroup;
  __m512i codes[kVectors];
  Format::codes(w, g, codes);
  for (int m = 0; m < kM; ++m) {
    const __m512 t = dot<Format>(block, codes, g, x[m]->high + place * kQuantGroup,
                                 minus_sums<kSubs>(*x[m]) + place * kSubs);
    out[m] = _mm512_fmadd_ps(t, _mm512_set1_ps(x[m]->scales[place]), out[m]);
    if constexpr (Format::kHasMin) {
      for (int sub = 0; sub < kSubs; ++sub) {
        const float sum = value_sums<kSubs>(*x[m])[place * kSubs + sub];
        out[m] = _mm512_fmadd_ps(Format::min(block, g * kSubs + sub), _mm512_set1_ps(sum), out[m]);
      }
    }
  }
}

// The low bytes of the wide groups of block `at`. w is where its weights begin.
template <typename Format>
[[gnu::noinline]] __m512 add_low(__m512 out, const QuantizedRows& rows, int64_t at,
                                 const uint8_t* w) {
  constexpr int kSubs = 32 / Format::kGroup;
  const QuantizedBlock& x = rows.blocks[at];
  const LowPlane& plane = rows.low[at];
  for_each_wide<Format>(rows.wide[at], w, [&](int place, const uint8_t* weight, int g) {
    __m512i codes[kVectors];
    Format::codes(weight, g, codes);
    const __m512 t =
        dot<Format>(typename Format::Block(weight), codes, g, plane.low + place * kQuantGroup,
                    minus_sums<kSubs>(plane) + place * kSubs);
    out = _mm512_fmadd_ps(t, _mm512_set1_ps(x.scales[place] / 256), out);
  });
  return out;
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
    const uint8_t* start = w;
    for (int at = 0; at < groups; at += kGroups, w += kTileRows * Format::kBytes) {
      const typename Format::Block block(w);
#pragma GCC unroll 8
      for (int g = 0; g < kGroups; ++g) {
        if constexpr (kGroups > 1) prefetch_part<Format>(w, g, kPrefetchBytes);
        const int place = kGroups == kQuantBlockGroups ? g : at + g;
        add_group<Format, kM>(block, w, g, x, place, out);
      }
    }
    for (int m = 0; m < kM; ++m) {
      const int64_t at = x[m] - a.x.blocks;
      if (a.x.wide[at] != 0) out[m] = add_low<Format>(out[m], a.x, at, start);
      x[m] += a.x.rows;
    }
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

// Results of all rows of x with the panel at hand. By themselves: in the caller's matrix they lie a
// power of two apart often enough, and then the caches have room for a few of them only.
using PanelSums = float[kPanelRows];

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

// t of kernel_table.h for kC rows of x, both halves of group g of the panel: bytes(c) are row c's
// 32 of the group, start(c, sub) is what its sums begin with. Written in the order in which
// registers are free again.
template <int kSubs, int kC, typename Bytes, typename Start>
inline void panel_dot(__m512 (&t)[kC][2], const Panel& panel, int g, const Bytes& bytes,
                      const Start& start) {
  constexpr int kCount = kVectors / kSubs;
#pragma GCC unroll 2
  for (int sub = 0; sub < kSubs; ++sub) {
    __m512i sums[kC][2];
#pragma GCC unroll 8
    for (int c = 0; c < kC; ++c) sums[c][0] = sums[c][1] = start(c, sub);
#pragma GCC unroll 8
    for (int v = 0; v < kCount; ++v) {
      const int vector = sub * kCount + v;
      const __m512i first = load_codes(panel.codes[g * kVectors + vector][0]);
      const __m512i second = load_codes(panel.codes[g * kVectors + vector][1]);
#pragma GCC unroll 8
      for (int c = 0; c < kC; ++c) {
        const __m512i four = broadcast(*reinterpret_cast<const int32_t*>(bytes(c) + 4 * vector));
        add_four(sums[c][0], first, four);
        add_four(sums[c][1], second, four);
      }
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
}

// Lines of the weight that the next panel is filled from, `lines` of each of two tiles: asked for
// little by little, `step` of them with each group, while this panel is computed with.
struct Ahead {
  const uint8_t* tiles[2];
  int64_t lines;
  int64_t step = 0;
  int64_t next = 0;

  void ask() {
    for (int64_t i = 0; i < step && next < 2 * lines; ++i, ++next)
      prefetch(next < lines ? tiles[0] + next * 64 : tiles[1] + (next - lines) * 64);
  }
};

// Adds the products of kC blocks of x, one behind the other, with the panel. kSubs scales a group.
// By itself, so that the compiler has all registers for it.
template <int kSubs, bool kHasMin, int kC>
[[gnu::noinline]] void add_panel(PanelSums* results, const Panel& panel, int groups,
                                 const QuantizedBlock* x, Ahead& ahead) {
  alignas(32) int32_t starts[kC][kQuantBlockGroups * kSubs];
  if constexpr (!kHasMin) find_starts<kSubs, kC>(starts, x, panel.offset_bits);
  __m512 out[kC][2];
#pragma GCC unroll 8
  for (int c = 0; c < kC; ++c) {
    for (int h = 0; h < 2; ++h) out[c][h] = _mm512_load_ps(results[c] + 16 * h);
  }
  for (int g = 0; g < groups; ++g) {
    ahead.ask();
    __m512 t[kC][2];
    panel_dot<kSubs, kC>(
        t, panel, g, [&](int c) { return x[c].high + g * kQuantGroup; },
        [&](int c, int sub) {
          return kHasMin ? _mm512_setzero_si512() : broadcast(starts[c][g * kSubs + sub]);
        });
#pragma GCC unroll 2
    for (int h = 0; h < 2; ++h) {
#pragma GCC unroll 8
      for (int c = 0; c < kC; ++c) add_scaled(out[c][h], t[c][h], x[c].scales[g]);
      if constexpr (kHasMin) {
#pragma GCC unroll 2
        for (int sub = 0; sub < kSubs; ++sub) {
          const __m512 min = _mm512_load_ps(panel.mins[g * kSubs + sub][h]);
#pragma GCC unroll 8
          for (int c = 0; c < kC; ++c)
            add_scaled(out[c][h], min, value_sums<kSubs>(x[c])[g * kSubs + sub]);
        }
      }
    }
  }
#pragma GCC unroll 8
  for (int c = 0; c < kC; ++c) {
    for (int h = 0; h < 2; ++h) _mm512_store_ps(results[c] + 16 * h, out[c][h]);
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
template <int kSubs, bool kHasMin, int kC>
void panel_tile(PanelSums* results, const Panel& panel, int groups, const PanelInput& input,
                int64_t i, Ahead& ahead) {
  if (input.indices == nullptr) {
    add_panel<kSubs, kHasMin, kC>(results + i, panel, groups, input.x.blocks + input.at(i), ahead);
    return;
  }
  QuantizedBlock gathered[kC];
  for (int c = 0; c < kC; ++c) gathered[c] = input.x.blocks[input.at(i + c)];
  add_panel<kSubs, kHasMin, kC>(results + i, panel, groups, gathered, ahead);
}

// The low bytes of group g of kC rows, whose numbers among the input's are given.
template <int kSubs, bool kHasMin, int kC>
void add_low_bytes(PanelSums* results, const Panel& panel, const PanelInput& input, int g,
                   const int32_t* rows) {
  const LowPlane* x[kC];
  for (int c = 0; c < kC; ++c) x[c] = input.x.low + input.at(rows[c]);
  __m512 t[kC][2];
  panel_dot<kSubs, kC>(
      t, panel, g, [&](int c) { return x[c]->low + g * kQuantGroup; },
      [&](int c, int sub) {
        return kHasMin ? _mm512_setzero_si512()
                       : correction(panel.offset_bits, minus_sums<kSubs>(*x[c]) + g * kSubs + sub);
      });
#pragma GCC unroll 8
  for (int c = 0; c < kC; ++c) {
    const __m512 scale = _mm512_set1_ps(input.x.blocks[input.at(rows[c])].scales[g] / 256);
    for (int h = 0; h < 2; ++h) {
      float* result = results[rows[c]] + 16 * h;
      _mm512_store_ps(result, _mm512_fmadd_ps(t[c][h], scale, _mm512_load_ps(result)));
    }
  }
}

// Rows of the input that are wide, group by group.
constexpr int64_t kListedRows = 96;  // at most
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

template <int kSubs, bool kHasMin>
void add_low_plane(PanelSums* results, const Panel& panel, const PanelInput& input,
                   const WideRows& wide) {
  for (int g = 0; g < kQuantBlockGroups; ++g) {
    const int32_t* next = wide.rows[g];
    int left = wide.counts[g];
    for (; left >= 4; left -= 4, next += 4)
      add_low_bytes<kSubs, kHasMin, 4>(results, panel, input, g, next);
    if ((left & 2) != 0) {
      add_low_bytes<kSubs, kHasMin, 2>(results, panel, input, g, next);
      next += 2;
    }
    if ((left & 1) != 0) add_low_bytes<kSubs, kHasMin, 1>(results, panel, input, g, next);
  }
}

// All rows of the input, `count` of them, times the panel.
template <int kSubs, bool kHasMin>
void panel_columns(PanelSums* results, const Panel& panel, int groups, const PanelInput& input,
                   int64_t count, Ahead& ahead) {
  constexpr int kC = kColumns<kSubs>;
  static_assert(kListedRows % kC == 0);
  ahead.step = 2 * ahead.lines / ((count + kC - 1) / kC * groups) + 1;
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

// Rows [first, first + count) of x times rows [j, j + 32) of the weight.
template <typename Format>
void multiply_panels(const PackedMatmulArgs& a, int64_t first, int64_t count, int64_t j) {
  Panel panel;
  panel.offset_bits = offset_bits(Format::kOffset);
  alignas(64) PanelSums results[kMostRows];
  for (int64_t i = 0; i < count; ++i) {
    _mm512_store_ps(results[i], _mm512_setzero_ps());
    _mm512_store_ps(results[i] + 16, _mm512_setzero_ps());
  }
  const int64_t columns = a.n - j < kPanelRows ? a.n - j : kPanelRows;
  const uint8_t* tile = a.w + j / kTileRows * a.tile_bytes;
  // A last tile that stands alone is multiplied twice, and once stored.
  const uint8_t* second = columns > kTileRows ? tile + a.tile_bytes : tile;
  const int64_t groups = a.k / kQuantGroup;
  PanelInput input = {a.x, a.x_rows, first, 0};
  for (int64_t group = 0; group < groups; group += kQuantBlockGroups, ++input.block) {
    const int64_t left = groups - group;
    const int here = static_cast<int>(left < kQuantBlockGroups ? left : kQuantBlockGroups);
    fill_panel<Format>(panel, 0, tile, group, here);
    fill_panel<Format>(panel, 1, second, group, here);
    // The next block of these tiles, or the first of the next two.
    constexpr int64_t kBlockBytes =
        kQuantBlockGroups * kTileRows * Format::kBytes / (Format::kValues / kQuantGroup);
    const int64_t next = left > kQuantBlockGroups ? group / kQuantBlockGroups + 1 : 0;
    const int64_t skipped = next * kBlockBytes + (next == 0 ? 2 * a.tile_bytes : 0);
    Ahead ahead = {{tile + skipped, second + skipped}, kBlockBytes / 64};
    panel_columns<32 / Format::kGroup, Format::kHasMin>(results, panel, here, input, count, ahead);
  }
  const __mmask32 mask = columns == kPanelRows ? ~0u : (1u << columns) - 1;
  for (int64_t i = 0; i < count; ++i) {
    float* out = out_row(a, first + i) + j;
    _mm512_mask_storeu_ps(out, static_cast<__mmask16>(mask), _mm512_load_ps(results[i]));
    _mm512_mask_storeu_ps(out + 16, static_cast<__mmask16>(mask >> 16),
                          _mm512_load_ps(results[i] + 16));
  }
}

template <typename Format>
void many_rows(const PackedMatmulArgs& a) {
  const int64_t parts = (a.m + kMostRows - 1) / kMostRows;
  for (int64_t j = 0; j < a.n; j += kPanelRows) {
    for (int64_t part = 0; part < parts; ++part) {
      const int64_t first = a.m * part / parts;
      multiply_panels<Format>(a, first, a.m * (part + 1) / parts - first, j);
    }
  }
}

template <typename Format>
void packed_matmul(const PackedMatmulArgs& a) {
  if (a.m > kFew) {
    many_rows<Format>(a);
  } else if (a.m > 0) {
    with_count<kFew>(a.m, [&]<int kM>() { few_rows_all_tiles<Format, kM>(a, 0); });
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
