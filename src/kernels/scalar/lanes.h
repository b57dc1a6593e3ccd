// Four floats at a time by the compiler's vector extension: any 64-bit machine has such registers,
// so this stays portable and its order of operations is written down, not left to an optimiser.
#pragma once

#include <cstdint>

namespace sparrow::kernels::scalar {

typedef float Lanes __attribute__((vector_size(16)));
typedef int32_t IntLanes __attribute__((vector_size(16)));
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

static inline Lanes as_floats(IntLanes v) { return reinterpret_cast<Lanes>(v); }
static inline IntLanes as_ints(Lanes v) { return reinterpret_cast<IntLanes>(v); }

}  // namespace sparrow::kernels::scalar
