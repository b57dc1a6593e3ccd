// The VPDPBUSD of AVX-512 VNNI for packed_loops.h: four unsigned codes times four signed values,
// added to 32 bits in one instruction. Six rows of x times two registers of the weight are 12
// results, 12 sums and the operands, which fill the 32 registers; 12 chains hide the latency of 4
// or 5.
#pragma once

#include "kernels/avx512/packed_formats.h"
#include "kernels/packed_loops.h"

namespace sparrow::kernels::avx512 {
namespace {

// In the loops over a panel instructions stay in the order in which they are written, some with
// their memory operand: left to itself GCC 12 gives what they read, and sums of later rows,
// registers that are not there.
struct Vnni {
  using Ints = __m512i;
  using Floats = __m512;
  using Formats = avx512::Formats;
  static constexpr int kLanes = 16;
  static constexpr int kFew = 4;
  static constexpr int64_t kMostRows = 512;
  template <typename Format>
  static constexpr int kind() {
    return 8;
  }
  static constexpr int planes(int) { return 1; }
  static constexpr int columns(int, int subs) { return subs == 1 ? 6 : 4; }

  template <typename Format>
  static Floats scale(const typename Format::Block& block, int group, int) {
    return Format::scale(block, group);
  }
  template <typename Format>
  static Floats min(const typename Format::Block& block, int group, int) {
    return Format::min(block, group);
  }
  template <typename Format>
  static void codes(const uint8_t* w, int g, int, Ints (&planes)[1][kVectors]) {
    Format::codes(w, g, planes[0]);
  }

  static Ints all(int32_t value) { return _mm512_set1_epi32(value); }
  static Floats all(float value) { return _mm512_set1_ps(value); }
  static Ints broadcast(const int32_t& x) {
    Ints v;
    asm volatile("vpbroadcastd %1, %0" : "=v"(v) : "m"(x));
    return v;
  }
  static Ints load_codes(const uint8_t* p) {
    Ints v;
    asm volatile("vmovdqa64 %1, %0" : "=v"(v) : "m"(*reinterpret_cast<const Ints*>(p)));
    return v;
  }
  static void store_codes(uint8_t* p, Ints v) { _mm512_store_si512(p, v); }
  static Floats load(const float* p) { return _mm512_load_ps(p); }
  static void store(float* p, Floats v) { _mm512_store_ps(p, v); }
  // The first `count` lanes, anywhere.
  static void store_some(float* p, Floats v, int64_t count) {
    const uint32_t mask = count >= kLanes ? 0xffff : count > 0 ? (1u << count) - 1 : 0;
    _mm512_mask_storeu_ps(p, static_cast<__mmask16>(mask), v);
  }
  static Floats multiply(Floats a, Floats b) { return _mm512_mul_ps(a, b); }
  static Floats multiply_add(Floats a, Floats b, Floats c) { return _mm512_fmadd_ps(a, b, c); }
  static Floats to_floats(Ints v) { return _mm512_cvtepi32_ps(v); }
  static void add_scaled(Floats (&out)[2], const Floats (&v)[2], const float& x) {
    asm volatile("vfmadd231ps %2%{1to16%}, %1, %0" : "+v"(out[0]) : "v"(v[0]), "m"(x));
    asm volatile("vfmadd231ps %2%{1to16%}, %1, %0" : "+v"(out[1]) : "v"(v[1]), "m"(x));
  }

  static void add_four(Ints& sum, Ints codes, Ints x) {
    asm volatile("vpdpbusd %2, %1, %0" : "+v"(sum) : "v"(codes), "v"(x));
  }

  template <int kKind, int kCount>
  static Ints add(Ints total, const Ints (&planes)[1][kVectors], int from, const int8_t* x) {
#pragma GCC unroll 8
    for (int v = 0; v < kCount; ++v) {
      asm volatile("vpdpbusd %2%{1to16%}, %1, %0"
                   : "+v"(total)
                   : "v"(planes[0][from + v]), "m"(*reinterpret_cast<const int32_t*>(x + 4 * v)));
    }
    return total;
  }

  template <int kKind, int kCount, int kC, typename Four, typename Start>
  static void add_tile(Ints (&sums)[kC][2], const uint8_t (*codes)[2][64], const Four& x,
                       const Start& start) {
#pragma GCC unroll 8
    for (int c = 0; c < kC; ++c) sums[c][0] = sums[c][1] = start(c);
#pragma GCC unroll 8
    for (int v = 0; v < kCount; ++v) {
      const Ints first = load_codes(codes[v][0]);
      const Ints second = load_codes(codes[v][1]);
#pragma GCC unroll 8
      for (int c = 0; c < kC; ++c) {
        const Ints four = broadcast(*reinterpret_cast<const int32_t*>(x(c, v)));
        add_four(sums[c][0], first, four);
        add_four(sums[c][1], second, four);
      }
    }
  }
};

}  // namespace
}  // namespace sparrow::kernels::avx512
