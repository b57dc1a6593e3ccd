// A group of 16 positions in a cache of q4_0: that of q8_0 (q8_cache.h) with codes of 4 bits, which
// stand for kIq4Values. Each 16 bytes hold 32 codes, the first 16 in their low halves: of keys two
// channels of the 16 positions, of a value 32 channels. So no two positions share a byte.
//
// Attention first expands a tile in the L1 cache, to groups of q8_0 whose scales are floats. That
// costs less than what it saves: the scales are widened once, not for every channel.
#pragma once

#include "kernels/q8_cache.h"
#include "tensor/formats/blocks.h"

namespace sparrow::kernels {
namespace {

using ExpandedGroup = Q8Group<float>;

struct ExpandedTile {
  static constexpr int64_t kGroups = kKeyTile / kKeyGroup;
  static constexpr int64_t kMostBytes = kKeyGroup * (kMaxHeadSize + kMaxHeadSize / kQuantGroup * 4);
  alignas(64) int8_t keys[kGroups][kMostBytes];
  alignas(64) int8_t values[kGroups][kMostBytes];
};

// expand_codes(out, codes) writes the values of twice 16 bytes, expand_scales(out, scales) widens
// 16 scales. What comes after the tile stays as it is.
template <void (*expand_codes)(int8_t* out, const uint8_t* codes),
          void (*expand_scales)(float* out, const uint16_t* scales),
          void (*attention_tile)(const AttentionTileArgs& args)>
inline void attention_tile_by_expanding(const AttentionTileArgs& a) {
  const int64_t code_bytes = kKeyGroup * a.head_size / 2;
  ExpandedTile tile;
  AttentionTileArgs expanded = a;
  const auto expand_group = [&](int8_t* out, const void* group) {
    const auto* codes = static_cast<const uint8_t*>(group);
    for (int64_t i = 0; i < code_bytes; i += 32) expand_codes(out + 2 * i, codes + i);
    auto* scales = reinterpret_cast<float*>(out + 2 * code_bytes);
    const auto* halves = reinterpret_cast<const uint16_t*>(codes + code_bytes);
    for (int64_t i = 0; i < code_bytes / 16; i += 16) expand_scales(scales + i, halves + i);
    return out;
  };
  for (int64_t g = 0; g < ExpandedTile::kGroups; ++g) {
    expanded.keys[g] = expand_group(tile.keys[g], a.keys[g]);
    expanded.values[g] = expand_group(tile.values[g], a.values[g]);
  }
  attention_tile(expanded);
}

}  // namespace
}  // namespace sparrow::kernels
