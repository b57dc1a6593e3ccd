#include "kernels/avx2/probe.h"

#include "kernels/avx_vnni/table.h"

namespace sparrow::kernels::avx_vnni {

int64_t probe_products(int64_t rounds) {
  return avx2::probe_products_with<32>(rounds, [](__m256i total, __m256i codes, __m256i x) {
    return _mm256_dpbusd_avx_epi32(total, codes, x);
  });
}

}  // namespace sparrow::kernels::avx_vnni
