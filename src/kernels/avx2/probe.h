// What the machine can do at best in registers of 8 lanes: loops that do nothing else.
#pragma once

#include <immintrin.h>

#include <cstdint>

namespace sparrow::kernels::avx2 {
namespace {

// `multiply` adds products of one pair of registers to a sum; each call is kProducts of them.
template <int kProducts, typename Multiply>
int64_t probe_products_with(int64_t rounds, const Multiply& multiply) {
  constexpr int kChains = 10;
  __m256i totals[kChains];
  for (int c = 0; c < kChains; ++c) totals[c] = _mm256_setzero_si256();
  __m256i codes = _mm256_set1_epi8(3);
  const __m256i x = _mm256_set1_epi8(-5);
  for (int64_t i = 0; i < rounds; ++i) {
    asm volatile("" : "+x"(codes));  // or the compiler would see that every round is the same
#pragma GCC unroll 10
    for (int c = 0; c < kChains; ++c) totals[c] = multiply(totals[c], codes, x);
  }
  for (int c = 0; c < kChains; ++c) asm volatile("" : : "x"(totals[c]));
  return rounds * kChains * kProducts;
}

}  // namespace
}  // namespace sparrow::kernels::avx2
