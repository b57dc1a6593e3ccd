#include "kernels/avx2/probe.h"

#include "kernels/avx2/table.h"

namespace sparrow::kernels::avx2 {

// As packed products of 4-bit codes do it: one addition in 16 bits a multiplication.
int64_t probe_products(int64_t rounds) {
  return probe_products_with<32>(rounds, [](__m256i total, __m256i codes, __m256i x) {
    // As they stand: or one multiplication would serve all sums, and sums would move to the stack.
    __m256i product;
    asm volatile("vpmaddubsw %2, %1, %0" : "=x"(product) : "x"(codes), "x"(x));
    asm volatile("vpaddw %1, %0, %0" : "+x"(total) : "x"(product));
    return total;
  });
}

void probe_read(const void* bytes, int64_t count) {
  const char* p = static_cast<const char*>(bytes);
  __m256i total[4];
  for (int c = 0; c < 4; ++c) total[c] = _mm256_setzero_si256();
  for (int64_t i = 0; i + 128 <= count; i += 128) {
    for (int c = 0; c < 4; ++c) {
      total[c] = _mm256_or_si256(
          total[c], _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p + i + 32 * c)));
    }
  }
  for (int c = 0; c < 4; ++c) asm volatile("" : : "x"(total[c]));
}

}  // namespace sparrow::kernels::avx2
