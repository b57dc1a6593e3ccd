// Softmax attention over one tile of keys, merged into the running result of each query ("online
// softmax", Milakov and Gimelshein 2018). A tile is always finished on its own (largest score, sum
// of weights, sum of values) and then merged, tiles in ascending order: the same arithmetic
// whether the tiles of a query are computed by one thread or by several.
#include "kernels/scalar/exp.h"
#include "kernels/scalar/lanes.h"
#include "kernels/scalar/table.h"

namespace sparrow::kernels::scalar {
namespace {

// Values of 4 * kWide channels from `channel`: sum over the visible keys, then merged.
template <int kWide>
void merge_values(float* out, const float* values, const float* weights, int64_t visible,
                  int64_t head_size, int64_t channel, float keep, float take) {
  Lanes total[kWide] = {};
  for (int64_t j = 0; j < visible; ++j) {
    const float* value = values + j * head_size + channel;
    for (int c = 0; c < kWide; ++c) total[c] += weights[j] * load(value + c * kLanes);
  }
  for (int c = 0; c < kWide; ++c) {
    float* p = out + channel + c * kLanes;
    store(p, load(p) * keep + total[c] * take);
  }
}

void merge_one_channel(float* out, const float* values, const float* weights, int64_t visible,
                       int64_t head_size, int64_t channel, float keep, float take) {
  float total = 0;
  for (int64_t j = 0; j < visible; ++j) total += weights[j] * values[j * head_size + channel];
  out[channel] = out[channel] * keep + total * take;
}

}  // namespace

void attention_tile_f32(const AttentionTileArgs& a) {
  float scores[kKeyTile];
  for (int64_t row = 0; row < a.rows; ++row) {
    const int64_t visible = a.visible[row];
    if (visible == 0) continue;
    for (int64_t head = 0; head < a.group; ++head) {
      const int64_t query = row * a.group + head;
      // Zeros behind the visible scores only fill the last lanes.
      for (int64_t j = 0; j < kKeyTile; ++j) scores[j] = 0;
      matmul_f32_f32_f32({scores, 0, nullptr, a.q + row * a.q_row_stride + head * a.head_size, 0,
                          nullptr, 1, a.keys, a.head_size, visible, a.head_size, false});
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
        merge_values<8>(out, a.values, scores, visible, a.head_size, channel, keep, take);
      for (; channel + kLanes <= a.head_size; channel += kLanes)
        merge_values<1>(out, a.values, scores, visible, a.head_size, channel, keep, take);
      for (; channel < a.head_size; ++channel)
        merge_one_channel(out, a.values, scores, visible, a.head_size, channel, keep, take);
    }
  }
}

}  // namespace sparrow::kernels::scalar
