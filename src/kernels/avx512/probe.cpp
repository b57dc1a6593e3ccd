// What the machine can do at best: loops that do nothing else.
#include <immintrin.h>

#include "kernels/avx512/table.h"
#include "kernels/packed_walk.h"

namespace sparrow::kernels::avx512 {

int64_t probe_products(int64_t rounds) {
  constexpr int kChains = 16;
  __m512i totals[kChains];
  for (int c = 0; c < kChains; ++c) totals[c] = _mm512_setzero_si512();
  __m512i codes = _mm512_set1_epi8(3);
  const __m512i x = _mm512_set1_epi8(-5);
  for (int64_t i = 0; i < rounds; ++i) {
    asm volatile("" : "+v"(codes));  // or the compiler would see that every round is the same
#pragma GCC unroll 16
    for (int c = 0; c < kChains; ++c) totals[c] = _mm512_dpbusd_epi32(totals[c], codes, x);
  }
  for (int c = 0; c < kChains; ++c) asm volatile("" : : "v"(totals[c]));
  return rounds * kChains * 64;
}

void probe_read(const void* bytes, int64_t count) {
  const char* p = static_cast<const char*>(bytes);
  __m512i total[4];
  for (int c = 0; c < 4; ++c) total[c] = _mm512_setzero_si512();
  for (int64_t i = 0; i + 256 <= count; i += 256) {
    for (int c = 0; c < 4; ++c) {
      prefetch(p + i + 64 * c + kPrefetchBytes);  // as packed products do
      total[c] = _mm512_or_si512(total[c], _mm512_loadu_si512(p + i + 64 * c));
    }
  }
  for (int c = 0; c < 4; ++c) asm volatile("" : : "v"(total[c]));
}

}  // namespace sparrow::kernels::avx512
