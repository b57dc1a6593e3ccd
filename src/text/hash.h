// Hashing for the tables of a vocabulary. Their keys come from files that anybody may have made, so
// each table draws a seed: nobody can prepare keys that all fall into one slot.
#pragma once

#include <cstdint>
#include <cstring>
#include <random>
#include <string_view>

namespace sparrow {

inline uint64_t draw_hash_seed() {
  std::random_device device;
  return (static_cast<uint64_t>(device()) << 32 | device()) | 1;
}

// The two halves of the 128-bit product, folded: each input bit reaches each output bit.
inline uint64_t mix_hash(uint64_t a, uint64_t b) {
  __extension__ typedef unsigned __int128 Wide;
  const Wide product = static_cast<Wide>(a) * b;
  return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
}

// After wyhash (Wang Yi, public domain): eight bytes a step, the length at the end.
inline uint64_t hash_bytes(std::string_view bytes, uint64_t seed) {
  constexpr uint64_t kFirst = 0xA0761D6478BD642F, kSecond = 0xE7037ED1A0B428DB;
  uint64_t hash = seed;
  size_t at = 0;
  uint64_t word = 0;
  for (; at + 8 <= bytes.size(); at += 8) {
    std::memcpy(&word, bytes.data() + at, 8);
    hash = mix_hash(hash ^ word, kFirst ^ seed);
  }
  word = 0;
  std::memcpy(&word, bytes.data() + at, bytes.size() - at);
  hash = mix_hash(hash ^ word, kSecond ^ seed);
  return mix_hash(hash ^ bytes.size(), kFirst);
}

}  // namespace sparrow
