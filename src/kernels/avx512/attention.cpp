// Softmax attention over one tile of keys (kernels/scalar/attention.cpp explains it). A lane is a
// key while scores are summed and a channel while values are. Six queries share each load; many
// queries first turn the tile into f32 in the L1 cache, few (decoding) widen it in registers: the
// same numbers either way, as each query has its own sums in one fixed order.
#include <immintrin.h>

#include "kernels/avx512/exp.h"
#include "kernels/avx512/table.h"
#include "kernels/q4_cache.h"

namespace sparrow::kernels::avx512 {
namespace {

constexpr int kLanes = 16;
constexpr int kGroups = 2;                // of 16 keys, a register each
constexpr int kQueries = 6;               // that share a load
constexpr int64_t kWorthConverting = 12;  // queries
constexpr int64_t kConvertedHead = 256;   // largest head with room for a converted tile
static_assert(kKeyGroup == kLanes && kKeyTile == kGroups * kLanes);

// What a cache of each type holds: channel d of the 16 keys of group g, and 16 channels of the
// value of its position j, or as many as the mask says. kBytesOf32: of 32 numbers in the cache,
// their scale among them.
template <typename Float>
struct Plain {
  using Element = typename Float::Element;
  static __m512 key(const AttentionTileArgs& a, int g, int64_t d) {
    return Float::widen(static_cast<const Element*>(a.keys[g]) + d * kKeyGroup);
  }
  static constexpr int64_t kBytesOf32 = 32 * sizeof(Element);
  static const Element* place(const AttentionTileArgs& a, int64_t g, int64_t j, int64_t channel) {
    return static_cast<const Element*>(a.values[g]) + j * a.head_size + channel;
  }
  static __m512 value(const AttentionTileArgs& a, int64_t g, int64_t j, int64_t channel) {
    return Float::widen(place(a, g, j, channel));
  }
  static __m512 value(const AttentionTileArgs& a, int64_t g, int64_t j, int64_t channel,
                      __mmask16 mask) {
    return Float::widen(place(a, g, j, channel), mask);
  }
};

struct Float32 {
  using Element = float;
  static __m512 widen(const float* p) { return _mm512_loadu_ps(p); }
  static float widen(float x) { return x; }
  static __m512 widen(const float* p, __mmask16 mask) { return _mm512_maskz_loadu_ps(mask, p); }
};
struct Float16 {
  using Element = uint16_t;
  static float widen(uint16_t x) { return _cvtsh_ss(x); }
  static __m512 widen(const uint16_t* p) {
    return _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
  }
  static __m512 widen(const uint16_t* p, __mmask16 mask) {
    return _mm512_cvtph_ps(_mm256_maskz_loadu_epi16(mask, p));
  }
};
struct BFloat16 {
  using Element = uint16_t;
  static __m512 upper_halves(__m256i v) {
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(v), 16));
  }
  static __m512 widen(const uint16_t* p) {
    return upper_halves(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
  }
  static __m512 widen(const uint16_t* p, __mmask16 mask) {
    return upper_halves(_mm256_maskz_loadu_epi16(mask, p));
  }
};
using F32 = Plain<Float32>;
using F16 = Plain<Float16>;
using BF16 = Plain<BFloat16>;

// Codes of 8 bits with scales of a type above. Heads are a multiple of 32 channels here.
template <typename Scale, int64_t kCacheBytesOf32>
struct Quantized {
  using Group = Q8Group<typename Scale::Element>;
  static constexpr int64_t kBytesOf32 = kCacheBytesOf32;
  static __m512 codes(const int8_t* p) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
    return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(bytes));
  }
  static __m512 key(const AttentionTileArgs& a, int g, int64_t d) {
    const Group keys(a.keys[g], a.head_size);
    return _mm512_mul_ps(codes(keys.key_codes(d)), Scale::widen(keys.key_scales(d)));
  }
  static __m512 value(const AttentionTileArgs& a, int64_t g, int64_t j, int64_t channel,
                      __mmask16 = 0xffff) {
    const Group values(a.values[g], a.head_size);
    const float scale = Scale::widen(values.value_scale(a.head_size, j, channel));
    return _mm512_mul_ps(codes(values.value_codes(a.head_size, j, channel)), _mm512_set1_ps(scale));
  }
};
using Q8_0 = Quantized<Float16, 34>;
using Q4_0 = Quantized<Float32, 18>;  // expanded; the tile after it is not

__mmask16 mask_of(int64_t count) {
  return count >= kLanes ? 0xffff : count <= 0 ? 0 : static_cast<__mmask16>((1u << count) - 1);
}

// kQ queries, with what their tile gives.
template <int kQ>
struct Queries {
  const float* q[kQ];
  float* out[kQ];
  int64_t first;        // into largest and weight
  int64_t visible[kQ];  // 1 to kKeyTile
  alignas(64) float weights[kQ][kKeyTile];
  alignas(64) float keep[kLanes];
  alignas(64) float take[kLanes];
};

// Asks for the lines of [offset, offset + count) of the group after this. The hardware does not
// follow from one block of the cache to the next.
template <int64_t kCount>
void ask_for(const void* group, int64_t offset) {
  for (int64_t at = 0; at < kCount; at += 64)
    _mm_prefetch(static_cast<const char*>(group) + offset + at, _MM_HINT_T0);
}

// Sums over even and odd channels, then both.
template <typename Number, int kQ, bool kAsks>
void score_keys(Queries<kQ>& queries, const AttentionTileArgs& a) {
  __m512 even[kQ][kGroups];
  __m512 odd[kQ][kGroups];
  for (int i = 0; i < kQ; ++i) {
    for (int g = 0; g < kGroups; ++g) even[i][g] = odd[i][g] = _mm512_setzero_ps();
  }
  int64_t d = 0;
  for (; d + 2 <= a.head_size; d += 2) {
    __m512 first[kGroups];
    __m512 second[kGroups];
#pragma GCC unroll 2
    for (int g = 0; g < kGroups; ++g) {
      if constexpr (kAsks) ask_for<Number::kBytesOf32>(a.next_keys[g], d / 2 * Number::kBytesOf32);
      first[g] = Number::key(a, g, d);
      second[g] = Number::key(a, g, d + 1);
    }
#pragma GCC unroll 6
    for (int i = 0; i < kQ; ++i) {
      const __m512 q = _mm512_set1_ps(queries.q[i][d]);
      const __m512 next_q = _mm512_set1_ps(queries.q[i][d + 1]);
#pragma GCC unroll 2
      for (int g = 0; g < kGroups; ++g) {
        even[i][g] = _mm512_fmadd_ps(q, first[g], even[i][g]);
        odd[i][g] = _mm512_fmadd_ps(next_q, second[g], odd[i][g]);
      }
    }
  }
  if (d < a.head_size) {
    for (int g = 0; g < kGroups; ++g) {
      const __m512 first = Number::key(a, g, d);
      for (int i = 0; i < kQ; ++i)
        even[i][g] = _mm512_fmadd_ps(_mm512_set1_ps(queries.q[i][d]), first, even[i][g]);
    }
  }
  const __m512 scale = _mm512_set1_ps(a.scale);
  for (int i = 0; i < kQ; ++i) {
    for (int g = 0; g < kGroups; ++g) {
      _mm512_store_ps(queries.weights[i] + g * kLanes,
                      _mm512_mul_ps(_mm512_add_ps(even[i][g], odd[i][g]), scale));
    }
  }
}

// Scores become weights; the running largest score and sum of weights move on. A query's numbers
// are brought together by masks: what was stored in parts cannot be loaded whole without a wait.
template <int kQ>
void weigh_keys(Queries<kQ>& queries, const AttentionTileArgs& a) {
  const __m512 lowest = _mm512_set1_ps(-__builtin_inff());
  __m512 tile_largest = _mm512_setzero_ps();
  __m512 tile_weight = _mm512_setzero_ps();
#pragma GCC unroll 6
  for (int i = 0; i < kQ; ++i) {
    float* weights = queries.weights[i];
    const auto lane = static_cast<__mmask16>(1 << i);
    __m512 scores[kGroups];
    __mmask16 masks[kGroups];
    for (int g = 0; g < kGroups; ++g) {
      masks[g] = mask_of(queries.visible[i] - g * kLanes);
      scores[g] = _mm512_mask_mov_ps(lowest, masks[g], _mm512_load_ps(weights + g * kLanes));
    }
    const __m512 largest =
        _mm512_set1_ps(_mm512_reduce_max_ps(_mm512_max_ps(scores[0], scores[1])));
    __m512 total = _mm512_setzero_ps();
    for (int g = 0; g < kGroups; ++g) {
      const __m512 weight = _mm512_maskz_mov_ps(masks[g], exp(_mm512_sub_ps(scores[g], largest)));
      _mm512_store_ps(weights + g * kLanes, weight);
      total = _mm512_add_ps(total, weight);
    }
    tile_largest = _mm512_mask_mov_ps(tile_largest, lane, largest);
    tile_weight =
        _mm512_mask_mov_ps(tile_weight, lane, _mm512_set1_ps(_mm512_reduce_add_ps(total)));
  }
  // All queries at once from here, a lane each.
  const __mmask16 all = mask_of(kQ);
  const __m512 old_largest = _mm512_maskz_loadu_ps(all, a.largest + queries.first);
  const __m512 old_weight = _mm512_maskz_loadu_ps(all, a.weight + queries.first);
  const __m512 largest = _mm512_max_ps(tile_largest, old_largest);
  const __m512 keep = exp(_mm512_sub_ps(old_largest, largest));
  const __m512 take = exp(_mm512_sub_ps(tile_largest, largest));
  _mm512_store_ps(queries.keep, keep);
  _mm512_store_ps(queries.take, take);
  _mm512_mask_storeu_ps(a.largest + queries.first, all, largest);
  _mm512_mask_storeu_ps(a.weight + queries.first, all,
                        _mm512_fmadd_ps(old_weight, keep, _mm512_mul_ps(tile_weight, take)));
}

// 16 * kV channels from `channel`: values summed key by key, then merged.
template <typename Number, int kQ, bool kAsks, int kV>
void merge_values(const Queries<kQ>& queries, const AttentionTileArgs& a, int64_t channel,
                  __mmask16 last) {
  __m512 totals[kQ][kV];
  for (int i = 0; i < kQ; ++i) {
    for (int v = 0; v < kV; ++v) totals[i][v] = _mm512_setzero_ps();
  }
  for (int64_t j = 0; j < queries.visible[0]; ++j) {
    const int64_t g = j / kKeyGroup;
    const int64_t place = j % kKeyGroup;
    const int64_t end = channel + (kV - 1) * kLanes;
    if constexpr (kAsks) {
      ask_for<kV * kLanes * Number::kBytesOf32 / 32>(
          a.next_values[g], (place * a.head_size + channel) * Number::kBytesOf32 / 32);
    }
    __m512 value[kV];
    for (int v = 0; v < kV - 1; ++v) value[v] = Number::value(a, g, place, channel + v * kLanes);
    value[kV - 1] =
        last == 0xffff ? Number::value(a, g, place, end) : Number::value(a, g, place, end, last);
#pragma GCC unroll 6
    for (int i = 0; i < kQ; ++i) {
      const __m512 weight = _mm512_set1_ps(queries.weights[i][j]);
      for (int v = 0; v < kV; ++v) totals[i][v] = _mm512_fmadd_ps(weight, value[v], totals[i][v]);
    }
  }
  for (int i = 0; i < kQ; ++i) {
    const __m512 keep = _mm512_set1_ps(queries.keep[i]);
    const __m512 take = _mm512_set1_ps(queries.take[i]);
    for (int v = 0; v < kV; ++v) {
      const __mmask16 mask = v == kV - 1 ? last : 0xffff;
      float* p = queries.out[i] + channel + v * kLanes;
      const __m512 old = _mm512_maskz_loadu_ps(mask, p);
      _mm512_mask_storeu_ps(p, mask, _mm512_fmadd_ps(old, keep, _mm512_mul_ps(totals[i][v], take)));
    }
  }
}

template <typename Number, int kQ, bool kAsks>
void merge_all_values(const Queries<kQ>& queries, const AttentionTileArgs& a) {
  int64_t channel = 0;
  for (; channel + 4 * kLanes <= a.head_size; channel += 4 * kLanes)
    merge_values<Number, kQ, kAsks, 4>(queries, a, channel, 0xffff);
  for (; channel < a.head_size; channel += kLanes)
    merge_values<Number, kQ, kAsks, 1>(queries, a, channel, mask_of(a.head_size - channel));
}

// Queries [first, first + kQ), none of them blind.
template <typename Number, int kQ, bool kAsks>
void attend(const AttentionTileArgs& a, int64_t first) {
  Queries<kQ> queries;
  queries.first = first;
  bool see_the_same = true;
  for (int i = 0; i < kQ; ++i) {
    const int64_t row = (first + i) / a.group;
    const int64_t head = (first + i) % a.group;
    queries.q[i] = a.q + row * a.q_row_stride + head * a.head_size;
    queries.out[i] = a.out + row * a.out_row_stride + head * a.head_size;
    queries.visible[i] = a.visible[row];
    see_the_same = see_the_same && queries.visible[i] == queries.visible[0];
  }
  if (!see_the_same) {
    // A value that a query does not see must not even meet it as zero times infinity.
    for (int i = 0; i < kQ; ++i) attend<Number, 1, kAsks>(a, first + i);
    return;
  }
  score_keys<Number, kQ, kAsks>(queries, a);
  weigh_keys<kQ>(queries, a);
  merge_all_values<Number, kQ, kAsks>(queries, a);
}

template <typename Number, bool kAsks>
void attend_all(const AttentionTileArgs& a, int64_t first, int64_t end) {
  for (; first + kQueries <= end; first += kQueries) attend<Number, kQueries, kAsks>(a, first);
  switch (end - first) {
    case 1:
      return attend<Number, 1, kAsks>(a, first);
    case 2:
      return attend<Number, 2, kAsks>(a, first);
    case 3:
      return attend<Number, 3, kAsks>(a, first);
    case 4:
      return attend<Number, 4, kAsks>(a, first);
    case 5:
      return attend<Number, 5, kAsks>(a, first);
    default:
      return;
  }
}

// The tile in f32, each group where it was.
struct Converted {
  alignas(64) float keys[kGroups][kConvertedHead * kKeyGroup];
  alignas(64) float values[kGroups][kConvertedHead * kKeyGroup];
};

template <typename Number>
void attend_converted(const AttentionTileArgs& a, int64_t first, int64_t end) {
  Converted tile;
  AttentionTileArgs converted = a;
  for (int g = 0; g < kGroups; ++g) {
    for (int64_t d = 0; d < a.head_size; ++d)
      _mm512_store_ps(tile.keys[g] + d * kKeyGroup, Number::key(a, g, d));
    for (int64_t j = 0; j < kKeyGroup; ++j) {
      float* values = tile.values[g] + j * a.head_size;
      int64_t channel = 0;
      for (; channel + kLanes <= a.head_size; channel += kLanes)
        _mm512_storeu_ps(values + channel, Number::value(a, g, j, channel));
      const __mmask16 rest = mask_of(a.head_size - channel);
      if (rest != 0)
        _mm512_mask_storeu_ps(values + channel, rest, Number::value(a, g, j, channel, rest));
    }
    converted.keys[g] = tile.keys[g];
    converted.values[g] = tile.values[g];
  }
  attend_all<F32, false>(converted, first, end);
}

template <typename Number, bool kConverts>
void attention_tile(const AttentionTileArgs& a) {
  // Rows ascend, so those that see nothing yet come first.
  int64_t blind = 0;
  while (blind < a.rows && a.visible[blind] == 0) ++blind;
  const int64_t first = blind * a.group;
  const int64_t end = a.rows * a.group;
  if (end - first < kWorthConverting) {
    attend_all<Number, true>(a, first, end);
  } else if (kConverts && a.head_size <= kConvertedHead) {
    attend_converted<Number>(a, first, end);
  } else {
    attend_all<Number, false>(a, first, end);
  }
}

void expand_codes(int8_t* out, const uint8_t* codes) {
  const __m512i table =
      _mm512_broadcast_i32x4(_mm_loadu_si128(reinterpret_cast<const __m128i*>(kIq4Values)));
  const __m512i bytes =
      _mm512_castsi256_si512(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(codes)));
  const __m512i twice = _mm512_permutexvar_epi64(_mm512_setr_epi64(0, 1, 0, 1, 2, 3, 2, 3), bytes);
  const __m512i shifts =
      _mm512_setr_epi64(0, 0, 0x400000004, 0x400000004, 0, 0, 0x400000004, 0x400000004);
  const __m512i indices = _mm512_and_si512(_mm512_srlv_epi32(twice, shifts), _mm512_set1_epi8(15));
  _mm512_storeu_si512(out, _mm512_shuffle_epi8(table, indices));
}

void expand_scales(float* out, const uint16_t* scales) {
  _mm512_storeu_ps(out, Float16::widen(scales));
}

}  // namespace

void attention_tile_f32(const AttentionTileArgs& args) { attention_tile<F32, false>(args); }
void attention_tile_f16(const AttentionTileArgs& args) { attention_tile<F16, true>(args); }
void attention_tile_bf16(const AttentionTileArgs& args) { attention_tile<BF16, true>(args); }
void attention_tile_q8_0(const AttentionTileArgs& args) { attention_tile<Q8_0, true>(args); }
void attention_tile_q4_0(const AttentionTileArgs& args) {
  attention_tile_by_expanding<expand_codes, expand_scales, attention_tile<Q4_0, true>>(args);
}

}  // namespace sparrow::kernels::avx512
