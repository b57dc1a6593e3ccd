// A group of 16 positions in a cache of q8_0, as in the weight format of that name: 32 channels
// share a scale of 16 bits. Codes stand where numbers of other types do, behind them the scales,
// keys' [head_size / 32][16], values' [16][head_size / 32].
#pragma once

#include "kernels/kernel_table.h"

namespace sparrow::kernels {
namespace {

// Scale is uint16_t, a half, in the cache itself.
template <typename Scale>
struct Q8Group {
  const int8_t* codes;
  const Scale* scales;

  Q8Group(const void* group, int64_t head_size)
      : codes(static_cast<const int8_t*>(group)),
        scales(reinterpret_cast<const Scale*>(codes + head_size * kKeyGroup)) {}

  // Of channel d of 16 keys.
  const int8_t* key_codes(int64_t d) const { return codes + d * kKeyGroup; }
  const Scale* key_scales(int64_t d) const { return scales + d / kQuantGroup * kKeyGroup; }
  // Of position j's value, from `channel` on.
  const int8_t* value_codes(int64_t head_size, int64_t j, int64_t channel) const {
    return codes + j * head_size + channel;
  }
  Scale value_scale(int64_t head_size, int64_t j, int64_t channel) const {
    return scales[(j * head_size + channel) / kQuantGroup];
  }
};

}  // namespace
}  // namespace sparrow::kernels
