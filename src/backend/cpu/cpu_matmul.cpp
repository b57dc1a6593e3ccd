// Matrix products on the CPU. Threads share out rows of the weight; each tile of rows is
// dequantized once, part by part, and multiplied with every row of activations while it is in the
// cache.
#include <algorithm>

#include "backend/cpu/cpu_backend.h"
#include "backend/cpu/cpu_buffer.h"
#include "backend/cpu/cpu_routing.h"
#include "backend/cpu/cpu_weight.h"
#include "base/error.h"

namespace sparrow {
namespace {

constexpr int64_t kTileRows = 8;  // 8 rows of 512 floats: half of a small L1 cache

struct Rows {
  float* data = nullptr;
  int64_t stride = 0;
  const int32_t* indices = nullptr;  // null: all in order
};

// Rows [first, first + n) of the weight times m rows of x; column j of the result is row
// first_column + j of the weight.
void multiply_tile(const kernels::KernelTable& kernels, const Rows& out, const Rows& x, int64_t m,
                   const CpuWeight& weight, int64_t first, int64_t first_column, int64_t n) {
  const int64_t k = weight.shape()[0];
  float tile[kTileRows * kernels::kMatmulPart];
  for (int64_t begin = 0; begin < k; begin += kernels::kMatmulPart) {
    const int64_t end = std::min(begin + kernels::kMatmulPart, k);
    const float* w = weight.direct_row(first);
    int64_t w_stride = k;
    if (w == nullptr) {
      // A tile hops from row to row, which the hardware's prefetcher does not follow.
      for (int64_t j = 0; j < n; ++j) {
        weight.prefetch(first + j + kTileRows, begin, end);
        weight.dequantize(tile + j * kernels::kMatmulPart, first + j, begin, end);
      }
      w = tile;
      w_stride = kernels::kMatmulPart;
    } else {
      w += begin;
    }
    kernels.matmul_f32_f32_f32({.out = out.data + first_column,
                                .out_stride = out.stride,
                                .out_rows = out.indices,
                                .x = x.data + begin,
                                .x_stride = x.stride,
                                .x_rows = x.indices,
                                .m = m,
                                .w = w,
                                .w_stride = w_stride,
                                .n = n,
                                .k = end - begin,
                                .accumulate = begin > 0});
  }
}

// Pieces small enough to share out evenly, large enough to be worth taking: about 32k products.
int64_t tiles_at_once(int64_t tile_count, int64_t members, int64_t products_a_tile) {
  const int64_t fair = std::max<int64_t>(1, tile_count / (members * 4));
  const int64_t worthwhile = 32768 / std::max<int64_t>(1, products_a_tile) + 1;
  return std::max<int64_t>(std::min<int64_t>(fair, 64), std::min(worthwhile, tile_count));
}

}  // namespace

void CpuBackend::matmul(const Activations& out, const Activations& x, const Weight& weight) {
  SPARROW_CHECK(x.columns == weight.shape()[0] && out.columns == weight.shape()[1]);
  SPARROW_CHECK(out.rows == x.rows);
  if (x.rows == 0) return;
  const CpuWeight& w = static_cast<const CpuWeight&>(weight);
  if (w.is_packed()) {
    const LinearPart parts[] = {{out, &weight, nullptr}};
    linears(parts, x);
    return;
  }
  const int64_t n = out.columns;
  const int64_t tile_count = (n + kTileRows - 1) / kTileRows;
  const int64_t grain =
      tiles_at_once(tile_count, team_.member_count(), kTileRows * x.columns * x.rows);
  const Rows out_rows = {data(out), out.columns, nullptr};
  const Rows x_rows = {data(x), x.columns, nullptr};
  team_.for_each(tile_count, grain, [&](int64_t begin, int64_t end) {
    for (int64_t t = begin; t < end; ++t) {
      const int64_t first = t * kTileRows;
      multiply_tile(kernels_, out_rows, x_rows, x.rows, w, first, first,
                    std::min(kTileRows, n - first));
    }
  });
}

void CpuBackend::expert_matmul(const Activations& out, const Activations& x, const Weight& weight,
                               const ExpertRouting& routing) {
  const CpuRouting& route = static_cast<const CpuRouting&>(routing);
  SPARROW_CHECK(x.columns == weight.shape()[0] && out.columns == weight.shape()[1]);
  SPARROW_CHECK(weight.shape()[2] == route.expert_count && out.rows == route.pair_count());
  SPARROW_CHECK(x.rows == out.rows || x.rows == route.row_count);
  const bool is_x_shared = x.rows == route.row_count;
  const CpuWeight& w = static_cast<const CpuWeight&>(weight);
  if (w.is_packed()) {
    packed_expert_matmul(out, x, w, routing);
    return;
  }
  const int64_t n = out.columns;
  const int64_t tiles_each = (n + kTileRows - 1) / kTileRows;
  team_.for_each(route.expert_count * tiles_each, 4, [&](int64_t begin, int64_t end) {
    for (int64_t t = begin; t < end; ++t) {
      const size_t expert = static_cast<size_t>(t / tiles_each);
      const int64_t start = route.starts[expert];
      const int64_t m = route.starts[expert + 1] - start;
      if (m == 0) continue;
      const int32_t* pairs = route.sorted_pairs.data() + start;
      const int32_t* rows = route.sorted_rows.data() + start;
      const int64_t first_column = t % tiles_each * kTileRows;
      multiply_tile(kernels_, {data(out), out.columns, pairs},
                    {data(x), x.columns, is_x_shared ? rows : pairs}, m, w,
                    static_cast<int64_t>(expert) * n + first_column, first_column,
                    std::min(kTileRows, n - first_column));
    }
  });
}

}  // namespace sparrow
