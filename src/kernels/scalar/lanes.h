// Four floats at a time by the compiler's vector extension: any 64-bit machine has such registers,
// so this stays portable and its order of operations is written down, not left to an optimiser.
#pragma once

#include <cstdint>

namespace sparrow::kernels::scalar {

typedef float Lanes __attribute__((vector_size(16)));
typedef int32_t IntLanes __attribute__((vector_size(16)));
typedef uint64_t LongLanes __attribute__((vector_size(16)));
typedef uint32_t WordLanes __attribute__((vector_size(16)));
typedef uint16_t ShortLanes __attribute__((vector_size(16)));
typedef uint8_t Bytes __attribute__((vector_size(16)));
inline constexpr int64_t kLanes = 4;

static inline Lanes load(const float* p) {
  Lanes v;
  __builtin_memcpy(&v, p, sizeof(v));
  return v;
}

static inline void store(float* p, Lanes v) { __builtin_memcpy(p, &v, sizeof(v)); }

static inline Lanes all(float value) { return Lanes{value, value, value, value}; }

// The first `count` (0 to 3) floats, zeros behind.
static inline Lanes load_part(const float* p, int64_t count) {
  Lanes v = all(0);
  for (int64_t i = 0; i < count; ++i) v[i] = p[i];
  return v;
}

static inline void store_part(float* p, Lanes v, int64_t count) {
  for (int64_t i = 0; i < count; ++i) p[i] = v[i];
}

// The one order in which lanes are added up.
static inline float sum(Lanes v) { return (v[0] + v[2]) + (v[1] + v[3]); }

static inline Bytes load_bytes(const void* p) {
  Bytes v;
  __builtin_memcpy(&v, p, sizeof(v));
  return v;
}

static inline ShortLanes load_shorts(const void* p) {
  ShortLanes v;
  __builtin_memcpy(&v, p, sizeof(v));
  return v;
}

// Shifts every byte right and keeps the bits of `mask`.
static inline Bytes shift_right(Bytes v, int count, uint8_t mask) {
  return reinterpret_cast<Bytes>(reinterpret_cast<ShortLanes>(v) >> static_cast<uint16_t>(count)) &
         mask;
}

// Zero-extended halves (little-endian: the zeros come second).
static inline ShortLanes widen_low(Bytes v) {
  return reinterpret_cast<ShortLanes>(
      __builtin_shufflevector(v, Bytes{}, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23));
}
static inline ShortLanes widen_high(Bytes v) {
  return reinterpret_cast<ShortLanes>(__builtin_shufflevector(v, Bytes{}, 8, 24, 9, 25, 10, 26, 11,
                                                              27, 12, 28, 13, 29, 14, 30, 15, 31));
}
static inline WordLanes widen_low(ShortLanes v) {
  return reinterpret_cast<WordLanes>(
      __builtin_shufflevector(v, ShortLanes{}, 0, 8, 1, 9, 2, 10, 3, 11));
}
static inline WordLanes widen_high(ShortLanes v) {
  return reinterpret_cast<WordLanes>(
      __builtin_shufflevector(v, ShortLanes{}, 4, 12, 5, 13, 6, 14, 7, 15));
}

static inline Lanes to_floats(IntLanes v) { return __builtin_convertvector(v, Lanes); }

static inline Lanes as_floats(IntLanes v) { return reinterpret_cast<Lanes>(v); }
static inline Lanes as_floats(WordLanes v) { return reinterpret_cast<Lanes>(v); }
static inline IntLanes as_ints(Lanes v) { return reinterpret_cast<IntLanes>(v); }
static inline WordLanes as_words(Lanes v) { return reinterpret_cast<WordLanes>(v); }

}  // namespace sparrow::kernels::scalar
