// Registers of 8 lanes for packed_loops.h.
#pragma once

#include <immintrin.h>

#include "kernels/avx2/lanes.h"
#include "kernels/avx2/packed_formats.h"

namespace sparrow::kernels::avx2 {
namespace {

// What all sets of instructions with such registers share. In the loops over a panel instructions
// stay in the order in which they are written: left to itself GCC 12 gives what they read, and sums
// of later rows, registers that are not there.
struct Registers {
  using Ints = __m256i;
  using Floats = __m256;
  using Formats = avx2::Formats;
  static constexpr int kLanes = 8;
  static constexpr int kFew = 1;
  static constexpr int64_t kMostRows = 512;

  template <typename Format>
  static Floats scale(const typename Format::Block& block, int group, int half) {
    return Format::scale(block, group, half);
  }
  template <typename Format>
  static Floats min(const typename Format::Block& block, int group, int half) {
    return Format::min(block, group, half);
  }

  static Ints all(int32_t value) { return _mm256_set1_epi32(value); }
  static Floats all(float value) { return _mm256_set1_ps(value); }
  static Ints broadcast(const int32_t& x) {
    Ints v;
    asm volatile("vpbroadcastd %1, %0" : "=x"(v) : "m"(x));
    return v;
  }
  static Ints four_of(const int8_t* x) { return broadcast(*reinterpret_cast<const int32_t*>(x)); }
  static Ints load_codes(const uint8_t* p) {
    Ints v;
    asm volatile("vmovdqa %1, %0" : "=x"(v) : "m"(*reinterpret_cast<const Ints*>(p)));
    return v;
  }
  static void store_codes(uint8_t* p, Ints v) { _mm256_store_si256(reinterpret_cast<Ints*>(p), v); }
  static Floats load(const float* p) { return _mm256_load_ps(p); }
  static void store(float* p, Floats v) { _mm256_store_ps(p, v); }
  // The first `count` lanes, anywhere.
  static void store_some(float* p, Floats v, int64_t count) {
    if (count >= kLanes) {
      _mm256_storeu_ps(p, v);
    } else {
      _mm256_maskstore_ps(p, mask_lanes(count), v);
    }
  }
  static Floats multiply(Floats a, Floats b) { return _mm256_mul_ps(a, b); }
  static Floats multiply_add(Floats a, Floats b, Floats c) { return _mm256_fmadd_ps(a, b, c); }
  static Floats to_floats(Ints v) { return _mm256_cvtepi32_ps(v); }
  static void add_scaled(Floats (&out)[2], const Floats (&v)[2], const float& x) {
    const Floats factor = all(x);
    for (int h = 0; h < 2; ++h) out[h] = _mm256_fmadd_ps(v[h], factor, out[h]);
  }
};

}  // namespace
}  // namespace sparrow::kernels::avx2
