// How packed products on x86 find their way, whatever their registers: rows of x and of the result,
// a block's wide groups, and the lines of a weight that are asked for ahead.
#pragma once

#include "kernels/kernel_table.h"

namespace sparrow::kernels {
namespace {

constexpr int64_t kPrefetchBytes = 16384;  // ahead of the block at hand, where x has few rows

template <typename Args>
inline int64_t x_row(const Args& a, int64_t i) {
  return a.x_rows != nullptr ? a.x_rows[i] : i;
}

template <typename Args>
inline float* out_row(const Args& a, int64_t i) {
  return a.out + (a.out_rows != nullptr ? a.out_rows[i] : i) * a.out_stride;
}

// Of plain numbers: row i of x, and where the part of k that begins at `part` ends.
inline const float* x_of(const FloatMatmulArgs& a, int64_t i) {
  return a.x.values + x_row(a, i) * a.x.stride;
}
template <typename Args>
inline int64_t part_end(const Args& a, int64_t part) {
  return part + kFloatPart < a.k ? part + kFloatPart : a.k;
}
inline const uint16_t* part_of(const Bf16MatmulArgs& a, int64_t i, int64_t part) {
  return a.x.values + (part / kFloatPart * a.x.rows + x_row(a, i)) * kFloatPart;
}

// Calls take.template operator()<kCount>() for the count at hand, 1 to kMost.
template <int kMost, typename Take>
inline void with_count(int64_t count, const Take& take) {
  if constexpr (kMost > 1) {
    if (count < kMost) return with_count<kMost - 1>(count, take);
  }
  take.template operator()<kMost>();
}

// The logarithm of an offset, a power of two.
constexpr int offset_bits(int offset) { return offset <= 1 ? 0 : 1 + offset_bits(offset / 2); }

// Of as many values as share a scale of the weight, of which a group of 32 has kSubs.
template <int kSubs, typename Plane>
inline const int32_t* minus_sums(const Plane& x) {
  return kSubs == 1 ? x.minus_sums32 : x.minus_sums16;
}
template <int kSubs>
inline const float* value_sums(const QuantizedBlock& x) {
  return kSubs == 1 ? x.sums32 : x.sums16;
}

// Calls take(place, weight, g) for each wide group of a block of x: the group is number `place` of
// the block, and its weights are group g of the 16 rows' blocks at `weight`; w is where those of
// group 0 are.
template <typename Format, typename Take>
inline void for_each_wide(uint32_t wide, const uint8_t* w, const Take& take) {
  constexpr int kGroups = Format::kValues / kQuantGroup;
  for (; wide != 0; wide &= wide - 1) {
    const int place = __builtin_ctz(wide);
    take(place, w + place / kGroups * kTileRows * Format::kBytes, place % kGroups);
  }
}

// Into the L2 cache; what is asked for may lie beyond the weight. It stays where it is written: the
// compiler would ask for all of a block's cache lines in one burst that the core has to wait for.
inline void prefetch(const void* line) {
  asm volatile("prefetcht1 %0" : : "m"(*static_cast<const char*>(line)));
}

// Asks for part g of the block that lies `ahead` bytes further on: its fields are read side by
// side, in an order that the hardware does not foresee.
template <typename Format>
inline void prefetch_part(const uint8_t* w, int g, int64_t ahead) {
  constexpr int kPart = kTileRows * Format::kBytes / (Format::kValues / kQuantGroup);
  for (int line = 0; line < kPart; line += 64) prefetch(w + ahead + g * kPart + line);
}

}  // namespace
}  // namespace sparrow::kernels
