// Dot products of f32 rows. Each result has eight lanes: lane l sums x[i] * w[i] over i = l mod 8,
// ascending; then lane l and l + 4 are added, then lanes.h's sum().
#include "kernels/scalar/lanes.h"
#include "kernels/scalar/table.h"

namespace sparrow::kernels::scalar {
namespace {

const float* x_row(const MatmulArgs& a, int64_t i) {
  return a.x + (a.x_rows != nullptr ? a.x_rows[i] : i) * a.x_stride;
}

float* out_row(const MatmulArgs& a, int64_t i) {
  return a.out + (a.out_rows != nullptr ? a.out_rows[i] : i) * a.out_stride;
}

// kX rows of x from i, kW rows of w from j: as many as the registers hold.
template <int kX, int kW>
void tile(const MatmulArgs& a, int64_t i, int64_t j) {
  const float* x[kX];
  const float* w[kW];
  for (int r = 0; r < kX; ++r) x[r] = x_row(a, i + r);
  for (int c = 0; c < kW; ++c) w[c] = a.w + (j + c) * a.w_stride;
  Lanes low[kX][kW] = {};
  Lanes high[kX][kW] = {};
  int64_t k = 0;
  for (; k + 2 * kLanes <= a.k; k += 2 * kLanes) {
    for (int r = 0; r < kX; ++r) {
      const Lanes x_low = load(x[r] + k);
      const Lanes x_high = load(x[r] + k + kLanes);
      for (int c = 0; c < kW; ++c) {
        low[r][c] += x_low * load(w[c] + k);
        high[r][c] += x_high * load(w[c] + k + kLanes);
      }
    }
  }
  if (k < a.k) {
    const int64_t low_count = a.k - k < kLanes ? a.k - k : kLanes;
    const int64_t high_count = a.k - k - low_count;
    for (int r = 0; r < kX; ++r) {
      const Lanes x_low = load_part(x[r] + k, low_count);
      const Lanes x_high = load_part(x[r] + k + low_count, high_count);
      for (int c = 0; c < kW; ++c) {
        low[r][c] += x_low * load_part(w[c] + k, low_count);
        high[r][c] += x_high * load_part(w[c] + k + low_count, high_count);
      }
    }
  }
  for (int r = 0; r < kX; ++r) {
    float* out = out_row(a, i + r) + j;
    for (int c = 0; c < kW; ++c) {
      const float dot = sum(low[r][c] + high[r][c]);
      out[c] = a.accumulate ? out[c] + dot : dot;
    }
  }
}

template <int kX>
void rows_of_x(const MatmulArgs& a, int64_t i) {
  constexpr int kWide = kX == 1 ? 4 : 2;
  int64_t j = 0;
  for (; j + kWide <= a.n; j += kWide) tile<kX, kWide>(a, i, j);
  for (; j < a.n; ++j) tile<kX, 1>(a, i, j);
}

}  // namespace

void matmul_f32_f32_f32(const MatmulArgs& args) {
  int64_t i = 0;
  for (; i + 2 <= args.m; i += 2) rows_of_x<2>(args, i);
  for (; i < args.m; ++i) rows_of_x<1>(args, i);
}

}  // namespace sparrow::kernels::scalar
