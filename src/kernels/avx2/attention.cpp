// Softmax attention over one tile of keys (kernels/scalar/attention.cpp explains it). A lane is a
// key while scores are summed and a channel while values are. Two queries share each load; many
// queries first turn the tile into f32 in the L1 cache, few (decoding) widen it in registers: the
// same numbers either way, as each query has its own sums in one fixed order.
#include "kernels/avx2/lanes.h"
#include "kernels/avx2/table.h"
#include "kernels/q4_cache.h"

namespace sparrow::kernels::avx2 {
namespace {

constexpr int kVectors = kKeyTile / kLanes;  // registers that hold a number of each key
constexpr int kVectorsOfGroup = kKeyGroup / kLanes;
constexpr int kGroups = kKeyTile / kKeyGroup;
constexpr int kQueries = 2;              // that share a load
constexpr int64_t kWorthConverting = 6;  // queries
constexpr int64_t kConvertedHead = 128;  // largest head with room for a converted tile

// What a cache of each type holds: 8 of the keys of group g, from `lane` on, in channel d; and 8
// channels of the value of its position j, or one. kBytesOf32: of 32 numbers in the cache, their
// scale among them.
template <typename Float>
struct Plain {
  using Element = typename Float::Element;
  static constexpr int64_t kBytesOf32 = 32 * sizeof(Element);
  static __m256 key(const AttentionTileArgs& a, int64_t g, int64_t d, int64_t lane) {
    return Float::widen(static_cast<const Element*>(a.keys[g]) + d * kKeyGroup + lane);
  }
  static const Element* place(const AttentionTileArgs& a, int64_t g, int64_t j, int64_t channel) {
    return static_cast<const Element*>(a.values[g]) + j * a.head_size + channel;
  }
  static __m256 value(const AttentionTileArgs& a, int64_t g, int64_t j, int64_t channel) {
    return Float::widen(place(a, g, j, channel));
  }
  static float one(const AttentionTileArgs& a, int64_t g, int64_t j, int64_t channel) {
    return Float::widen(*place(a, g, j, channel));
  }
};

struct Float32 {
  using Element = float;
  static __m256 widen(const float* p) { return _mm256_loadu_ps(p); }
  static float widen(float x) { return x; }
};
struct Float16 {
  using Element = uint16_t;
  static __m256 widen(const uint16_t* p) {
    return _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
  }
  static float widen(uint16_t x) { return _cvtsh_ss(x); }
};
struct BFloat16 {
  using Element = uint16_t;
  static __m256 widen(const uint16_t* p) {
    const __m128i numbers = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(numbers), 16));
  }
  static float widen(uint16_t x) { return __builtin_bit_cast(float, uint32_t{x} << 16); }
};
using F32 = Plain<Float32>;
using F16 = Plain<Float16>;
using BF16 = Plain<BFloat16>;

// Codes of 8 bits with scales of a type above. Heads are a multiple of 32 channels here.
template <typename Scale, int64_t kCacheBytesOf32>
struct Quantized {
  using Group = Q8Group<typename Scale::Element>;
  static constexpr int64_t kBytesOf32 = kCacheBytesOf32;
  static __m256 codes(const int8_t* p) {
    const __m128i bytes = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(p));
    return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(bytes));
  }
  static __m256 key(const AttentionTileArgs& a, int64_t g, int64_t d, int64_t lane) {
    const Group keys(a.keys[g], a.head_size);
    return _mm256_mul_ps(codes(keys.key_codes(d) + lane), Scale::widen(keys.key_scales(d) + lane));
  }
  static __m256 value(const AttentionTileArgs& a, int64_t g, int64_t j, int64_t channel) {
    const Group values(a.values[g], a.head_size);
    const float scale = Scale::widen(values.value_scale(a.head_size, j, channel));
    return _mm256_mul_ps(codes(values.value_codes(a.head_size, j, channel)), _mm256_set1_ps(scale));
  }
  static float one(const AttentionTileArgs&, int64_t, int64_t, int64_t) {
    return 0;
  }  // never asked
};
using Q8_0 = Quantized<Float16, 34>;
using Q4_0 = Quantized<Float32, 18>;  // expanded; the tile after it is not

// kQ queries, with what their tile gives.
template <int kQ>
struct Queries {
  const float* q[kQ];
  float* out[kQ];
  int64_t first;        // into largest and weight
  int64_t visible[kQ];  // 1 to kKeyTile
  alignas(32) float weights[kQ][kKeyTile];
  float keep[kQ];
  float take[kQ];
};

// Asks for the lines of [offset, offset + count) of the group after this. The hardware does not
// follow from one block of the cache to the next.
template <int64_t kCount>
void ask_for(const void* group, int64_t offset) {
  for (int64_t at = 0; at < kCount; at += 64)
    _mm_prefetch(static_cast<const char*>(group) + offset + at, _MM_HINT_T0);
}

template <typename Number, int kQ, bool kAsks>
void score_keys(Queries<kQ>& queries, const AttentionTileArgs& a) {
  __m256 totals[kQ][kVectors];
  for (int i = 0; i < kQ; ++i) {
    for (int v = 0; v < kVectors; ++v) totals[i][v] = _mm256_setzero_ps();
  }
  for (int64_t d = 0; d < a.head_size; ++d) {
    if constexpr (kAsks) {
      constexpr int64_t kChannel = kKeyGroup * Number::kBytesOf32 / 32;
      for (int64_t g = 0; g < kGroups; ++g) ask_for<kChannel>(a.next_keys[g], d * kChannel);
    }
    __m256 q[kQ];
    for (int i = 0; i < kQ; ++i) q[i] = _mm256_set1_ps(queries.q[i][d]);
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) {
      const __m256 key = Number::key(a, v / kVectorsOfGroup, d, v % kVectorsOfGroup * kLanes);
      for (int i = 0; i < kQ; ++i) totals[i][v] = _mm256_fmadd_ps(q[i], key, totals[i][v]);
    }
  }
  const __m256 scale = _mm256_set1_ps(a.scale);
  for (int i = 0; i < kQ; ++i) {
    for (int v = 0; v < kVectors; ++v)
      _mm256_store_ps(queries.weights[i] + v * kLanes, _mm256_mul_ps(totals[i][v], scale));
  }
}

// Scores become weights; the running largest score and sum of weights move on.
template <int kQ>
void weigh_keys(Queries<kQ>& queries, const AttentionTileArgs& a) {
  static_assert(kQ <= 2);
  float tile_weight[kQ];
  // Lanes 2 i and 2 i + 1: how far the old and the tile's largest lie below the new one.
  __m256 below = _mm256_setzero_ps();
  for (int i = 0; i < kQ; ++i) {
    float* weights = queries.weights[i];
    __m256 scores[kVectors];
    __m256 masks[kVectors];
    __m256 largest_of = _mm256_set1_ps(-__builtin_inff());
    for (int v = 0; v < kVectors; ++v) {
      masks[v] = _mm256_castsi256_ps(mask_lanes(queries.visible[i] - v * kLanes));
      scores[v] = _mm256_blendv_ps(_mm256_set1_ps(-__builtin_inff()),
                                   _mm256_load_ps(weights + v * kLanes), masks[v]);
      largest_of = _mm256_max_ps(largest_of, scores[v]);
    }
    const float tile_largest = largest_lane(largest_of);
    __m256 total = _mm256_setzero_ps();
    for (int v = 0; v < kVectors; ++v) {
      const __m256 weight =
          _mm256_and_ps(masks[v], exp(_mm256_sub_ps(scores[v], _mm256_set1_ps(tile_largest))));
      _mm256_store_ps(weights + v * kLanes, weight);
      total = _mm256_add_ps(total, weight);
    }
    tile_weight[i] = sum_lanes(total);
    float& old_largest = a.largest[queries.first + i];
    const float largest = tile_largest > old_largest ? tile_largest : old_largest;
    const __m256 both = _mm256_castpd_ps(_mm256_broadcastsd_pd(_mm_castps_pd(
        _mm_unpacklo_ps(_mm_set_ss(old_largest - largest), _mm_set_ss(tile_largest - largest)))));
    below = i == 0 ? both : _mm256_blend_ps(below, both, 0b1100);
    old_largest = largest;
  }
  alignas(32) float factors[kLanes];
  _mm256_store_ps(factors, exp(below));
  for (int i = 0; i < kQ; ++i) {
    queries.keep[i] = factors[2 * i];
    queries.take[i] = factors[2 * i + 1];
    float& weight = a.weight[queries.first + i];
    weight = __builtin_fmaf(weight, queries.keep[i], tile_weight[i] * queries.take[i]);
  }
}

// 8 * kV channels from `channel`: values summed key by key, then merged.
template <typename Number, int kQ, bool kAsks, int kV>
void merge_values(const Queries<kQ>& queries, const AttentionTileArgs& a, int64_t channel) {
  __m256 totals[kQ][kV];
  for (int i = 0; i < kQ; ++i) {
    for (int v = 0; v < kV; ++v) totals[i][v] = _mm256_setzero_ps();
  }
  for (int64_t j = 0; j < queries.visible[0]; ++j) {
    if constexpr (kAsks) {
      ask_for<kV * kLanes * Number::kBytesOf32 / 32>(
          a.next_values[j / kKeyGroup],
          (j % kKeyGroup * a.head_size + channel) * Number::kBytesOf32 / 32);
    }
    __m256 weight[kQ];
    for (int i = 0; i < kQ; ++i) weight[i] = _mm256_set1_ps(queries.weights[i][j]);
    for (int v = 0; v < kV; ++v) {
      const __m256 value = Number::value(a, j / kKeyGroup, j % kKeyGroup, channel + v * kLanes);
      for (int i = 0; i < kQ; ++i) totals[i][v] = _mm256_fmadd_ps(weight[i], value, totals[i][v]);
    }
  }
  for (int i = 0; i < kQ; ++i) {
    for (int v = 0; v < kV; ++v) {
      float* p = queries.out[i] + channel + v * kLanes;
      const __m256 taken = _mm256_mul_ps(totals[i][v], _mm256_set1_ps(queries.take[i]));
      _mm256_storeu_ps(p,
                       _mm256_fmadd_ps(_mm256_loadu_ps(p), _mm256_set1_ps(queries.keep[i]), taken));
    }
  }
}

template <typename Number, int kQ>
void merge_channel(const Queries<kQ>& queries, const AttentionTileArgs& a, int64_t channel) {
  for (int i = 0; i < kQ; ++i) {
    float total = 0;
    for (int64_t j = 0; j < queries.visible[i]; ++j) {
      const float value = Number::one(a, j / kKeyGroup, j % kKeyGroup, channel);
      total = __builtin_fmaf(queries.weights[i][j], value, total);
    }
    float& out = queries.out[i][channel];
    out = __builtin_fmaf(out, queries.keep[i], total * queries.take[i]);
  }
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
  int64_t channel = 0;
  for (; channel + 4 * kLanes <= a.head_size; channel += 4 * kLanes)
    merge_values<Number, kQ, kAsks, 4>(queries, a, channel);
  for (; channel + kLanes <= a.head_size; channel += kLanes)
    merge_values<Number, kQ, kAsks, 1>(queries, a, channel);
  for (; channel < a.head_size; ++channel) merge_channel<Number, kQ>(queries, a, channel);
}

template <typename Number, bool kAsks>
void attend_all(const AttentionTileArgs& a, int64_t first, int64_t end) {
  for (; first + kQueries <= end; first += kQueries) attend<Number, kQueries, kAsks>(a, first);
  for (; first < end; ++first) attend<Number, 1, kAsks>(a, first);
}

// The tile in f32, each group where it was.
struct Converted {
  alignas(32) float keys[kGroups][kConvertedHead * kKeyGroup];
  alignas(32) float values[kGroups][kConvertedHead * kKeyGroup];
};

template <typename Number>
void attend_converted(const AttentionTileArgs& a, int64_t first, int64_t end) {
  Converted tile;
  AttentionTileArgs converted = a;
  for (int g = 0; g < kGroups; ++g) {
    for (int64_t i = 0; i < a.head_size * kKeyGroup; i += kLanes)
      _mm256_store_ps(tile.keys[g] + i, Number::key(a, g, i / kKeyGroup, i % kKeyGroup));
    for (int64_t j = 0; j < kKeyGroup; ++j) {
      float* values = tile.values[g] + j * a.head_size;
      int64_t channel = 0;
      for (; channel + kLanes <= a.head_size; channel += kLanes)
        _mm256_storeu_ps(values + channel, Number::value(a, g, j, channel));
      for (; channel < a.head_size; ++channel) values[channel] = Number::one(a, g, j, channel);
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
  const auto broadcast = [](const void* p) {
    return _mm256_broadcastsi128_si256(_mm_loadu_si128(static_cast<const __m128i*>(p)));
  };
  const __m256i shifts = _mm256_setr_epi32(0, 0, 0, 0, 4, 4, 4, 4);
  for (int i = 0; i < 2; ++i) {
    const __m256i indices = _mm256_and_si256(_mm256_srlv_epi32(broadcast(codes + 16 * i), shifts),
                                             _mm256_set1_epi8(15));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(out) + i,
                        _mm256_shuffle_epi8(broadcast(kIq4Values), indices));
  }
}

void expand_scales(float* out, const uint16_t* scales) {
  _mm256_storeu_ps(out, Float16::widen(scales));
  _mm256_storeu_ps(out + kLanes, Float16::widen(scales + kLanes));
}

}  // namespace

void attention_tile_f32(const AttentionTileArgs& args) { attention_tile<F32, false>(args); }
void attention_tile_f16(const AttentionTileArgs& args) { attention_tile<F16, true>(args); }
void attention_tile_bf16(const AttentionTileArgs& args) { attention_tile<BF16, true>(args); }
void attention_tile_q8_0(const AttentionTileArgs& args) { attention_tile<Q8_0, true>(args); }
void attention_tile_q4_0(const AttentionTileArgs& args) {
  attention_tile_by_expanding<expand_codes, expand_scales, attention_tile<Q4_0, true>>(args);
}

}  // namespace sparrow::kernels::avx2
