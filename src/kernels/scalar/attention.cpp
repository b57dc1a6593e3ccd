// Softmax attention over one tile of keys, merged into the running result of each query ("online
// softmax", Milakov and Gimelshein 2018). Scores are summed channel by channel, values key by key,
// both ascending. A tile is always finished on its own and then merged, tiles in ascending order:
// the same arithmetic whether the tiles of a query are computed by one thread or by several.
#include <cstddef>

#include "kernels/q4_cache.h"
#include "kernels/scalar/exp.h"
#include "kernels/scalar/half.h"
#include "kernels/scalar/lanes.h"
#include "kernels/scalar/table.h"

namespace sparrow::kernels::scalar {
namespace {

// The tile in f32, keys channel by channel.
struct Tile {
  float keys[kMaxHeadSize][kKeyTile];
  float values[kKeyTile][kMaxHeadSize];
};

// What a cache of each type holds: channel d of a group's 16 keys, and the value of its position j.
template <typename Element, void (*widen)(float* out, const Element* x, int64_t count)>
struct Plain {
  static void key(float* out, const void* group, int64_t, int64_t d) {
    widen(out, static_cast<const Element*>(group) + d * kKeyGroup, kKeyGroup);
  }
  static void value(float* out, const void* group, int64_t head_size, int64_t j) {
    widen(out, static_cast<const Element*>(group) + j * head_size, head_size);
  }
};
void copy(float* out, const float* x, int64_t count) {
  __builtin_memcpy(out, x, static_cast<std::size_t>(count) * sizeof(float));
}
using F32 = Plain<float, copy>;
using F16 = Plain<uint16_t, convert_f32_f16>;
using BF16 = Plain<uint16_t, convert_f32_bf16>;

void widen(float* out, const float* x, int64_t count) { copy(out, x, count); }
void widen(float* out, const uint16_t* x, int64_t count) { convert_f32_f16(out, x, count); }

template <typename Scale>
struct Quantized {
  static void key(float* out, const void* group, int64_t head_size, int64_t d) {
    const Q8Group<Scale> keys(group, head_size);
    float scales[kKeyGroup];
    widen(scales, keys.key_scales(d), kKeyGroup);
    for (int64_t j = 0; j < kKeyGroup; ++j)
      out[j] = static_cast<float>(keys.key_codes(d)[j]) * scales[j];
  }
  static void value(float* out, const void* group, int64_t head_size, int64_t j) {
    const Q8Group<Scale> values(group, head_size);
    for (int64_t channel = 0; channel < head_size; channel += kQuantGroup) {
      const int8_t* codes = values.value_codes(head_size, j, channel);
      const Scale stored = values.value_scale(head_size, j, channel);
      float scale;
      widen(&scale, &stored, 1);
      for (int64_t c = 0; c < kQuantGroup; ++c)
        out[channel + c] = static_cast<float>(codes[c]) * scale;
    }
  }
};

template <typename Number>
void read_tile(Tile& tile, const AttentionTileArgs& a) {
  for (int64_t group = 0; group < kKeyTile / kKeyGroup; ++group) {
    const int64_t first = group * kKeyGroup;
    for (int64_t d = 0; d < a.head_size; ++d)
      Number::key(tile.keys[d] + first, a.keys[group], a.head_size, d);
    for (int64_t j = 0; j < kKeyGroup; ++j)
      Number::value(tile.values[first + j], a.values[group], a.head_size, j);
  }
}

void score_keys(float* scores, const Tile& tile, const float* q, int64_t head_size) {
  constexpr int64_t kVectors = kKeyTile / kLanes;
  Lanes totals[kVectors] = {};
  for (int64_t d = 0; d < head_size; ++d) {
    for (int64_t v = 0; v < kVectors; ++v) totals[v] += q[d] * load(tile.keys[d] + v * kLanes);
  }
  for (int64_t v = 0; v < kVectors; ++v) store(scores + v * kLanes, totals[v]);
}

// Values of 4 * kWide channels from `channel`: sum over the visible keys, then merged.
template <int kWide>
void merge_values(float* out, const Tile& tile, const float* weights, int64_t visible,
                  int64_t channel, float keep, float take) {
  Lanes total[kWide] = {};
  for (int64_t j = 0; j < visible; ++j) {
    for (int c = 0; c < kWide; ++c)
      total[c] += weights[j] * load(tile.values[j] + channel + c * kLanes);
  }
  for (int c = 0; c < kWide; ++c) {
    float* p = out + channel + c * kLanes;
    store(p, load(p) * keep + total[c] * take);
  }
}

void merge_one_channel(float* out, const Tile& tile, const float* weights, int64_t visible,
                       int64_t channel, float keep, float take) {
  float total = 0;
  for (int64_t j = 0; j < visible; ++j) total += weights[j] * tile.values[j][channel];
  out[channel] = out[channel] * keep + total * take;
}

void attend(const AttentionTileArgs& a, const Tile& tile, int64_t row, int64_t head) {
  const int64_t visible = a.visible[row];
  const int64_t query = row * a.group + head;
  float scores[kKeyTile];
  score_keys(scores, tile, a.q + row * a.q_row_stride + head * a.head_size, a.head_size);
  float tile_largest = scores[0] * a.scale;
  for (int64_t j = 0; j < visible; ++j) {
    scores[j] *= a.scale;
    tile_largest = scores[j] > tile_largest ? scores[j] : tile_largest;
  }
  float tile_weight = 0;
  for (int64_t j = 0; j < visible; j += kLanes) {
    store(scores + j, exp(load(scores + j) - tile_largest));
    for (int64_t l = j; l < j + kLanes && l < visible; ++l) tile_weight += scores[l];
  }

  const float old_largest = a.largest[query];
  const float largest = tile_largest > old_largest ? tile_largest : old_largest;
  const Lanes factors = exp(Lanes{old_largest - largest, tile_largest - largest, 0, 0});
  const float keep = factors[0];
  const float take = factors[1];
  a.largest[query] = largest;
  a.weight[query] = a.weight[query] * keep + tile_weight * take;
  float* out = a.out + row * a.out_row_stride + head * a.head_size;
  int64_t channel = 0;
  for (; channel + 8 * kLanes <= a.head_size; channel += 8 * kLanes)
    merge_values<8>(out, tile, scores, visible, channel, keep, take);
  for (; channel + kLanes <= a.head_size; channel += kLanes)
    merge_values<1>(out, tile, scores, visible, channel, keep, take);
  for (; channel < a.head_size; ++channel)
    merge_one_channel(out, tile, scores, visible, channel, keep, take);
}

template <typename Number>
void attention_tile(const AttentionTileArgs& a) {
  Tile tile;
  read_tile<Number>(tile, a);
  for (int64_t row = 0; row < a.rows; ++row) {
    if (a.visible[row] == 0) continue;
    for (int64_t head = 0; head < a.group; ++head) attend(a, tile, row, head);
  }
}

void expand_codes(int8_t* out, const uint8_t* codes) {
  for (int64_t i = 0; i < 32; ++i) {
    int8_t* low = out + i / 16 * 32 + i % 16;
    low[0] = kIq4Values[codes[i] & 15];
    low[16] = kIq4Values[codes[i] >> 4];
  }
}

void expand_scales(float* out, const uint16_t* scales) { convert_f32_f16(out, scales, 16); }

}  // namespace

void attention_tile_f32(const AttentionTileArgs& args) { attention_tile<F32>(args); }
void attention_tile_f16(const AttentionTileArgs& args) { attention_tile<F16>(args); }
void attention_tile_bf16(const AttentionTileArgs& args) { attention_tile<BF16>(args); }
void attention_tile_q8_0(const AttentionTileArgs& args) {
  attention_tile<Quantized<uint16_t>>(args);
}
void attention_tile_q4_0(const AttentionTileArgs& args) {
  attention_tile_by_expanding<expand_codes, expand_scales, attention_tile<Quantized<float>>>(args);
}

}  // namespace sparrow::kernels::scalar
