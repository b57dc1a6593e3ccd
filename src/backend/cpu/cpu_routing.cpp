#include "backend/cpu/cpu_routing.h"

#include <algorithm>

#include "backend/cpu/cpu_backend.h"
#include "backend/cpu/cpu_buffer.h"
#include "base/error.h"

namespace sparrow {
namespace {

// The largest remaining probability, of equals the lowest index. A probability that was taken, or
// is NaN, counts as -1; so there is always an answer.
int32_t take_largest(float* probabilities, int64_t count) {
  int64_t best = 0;
  float largest = -2;
  for (int64_t i = 0; i < count; ++i) {
    const float p = probabilities[i] >= 0 ? probabilities[i] : -1.0f;
    if (p > largest) {
      largest = p;
      best = i;
    }
  }
  return static_cast<int32_t>(best);
}

void route_row(float* probabilities, int64_t expert_count, int32_t* experts, float* weights,
               int64_t used_count) {
  float total = 0;
  for (int64_t i = 0; i < used_count; ++i) {
    experts[i] = take_largest(probabilities, expert_count);
    weights[i] = probabilities[experts[i]];
    probabilities[experts[i]] = -2;
    total += weights[i];
  }
  for (int64_t i = 0; i < used_count; ++i) weights[i] /= total;
}

void sort_by_expert(CpuRouting& route) {
  std::fill(route.starts.begin(), route.starts.end(), 0);
  for (int64_t pair = 0; pair < route.pair_count(); ++pair)
    ++route.starts[static_cast<size_t>(route.experts[static_cast<size_t>(pair)]) + 1];
  for (size_t i = 1; i < route.starts.size(); ++i) route.starts[i] += route.starts[i - 1];
  // Each start moves to its end while the list fills; afterwards all shift back by one place.
  for (int64_t pair = 0; pair < route.pair_count(); ++pair) {
    const size_t expert = static_cast<size_t>(route.experts[static_cast<size_t>(pair)]);
    const size_t place = static_cast<size_t>(route.starts[expert]++);
    route.sorted_pairs[place] = static_cast<int32_t>(pair);
    route.sorted_rows[place] = static_cast<int32_t>(pair / route.used_count);
  }
  std::rotate(route.starts.begin(), route.starts.end() - 1, route.starts.end());
  route.starts[0] = 0;
}

}  // namespace

std::unique_ptr<ExpertRouting> CpuBackend::make_routing(int64_t max_rows, int64_t expert_count,
                                                        int64_t used_count) {
  SPARROW_CHECK(used_count >= 1 && used_count <= expert_count);
  return std::make_unique<CpuRouting>(max_rows, expert_count, used_count);
}

void CpuBackend::route_experts(ExpertRouting& routing, const Activations& logits) {
  CpuRouting& route = static_cast<CpuRouting&>(routing);
  SPARROW_CHECK(logits.columns == route.expert_count);
  route.row_count = logits.rows;
  SPARROW_CHECK(static_cast<size_t>(route.pair_count()) <= route.experts.size());
  for (int64_t i = 0; i < logits.rows; ++i) {
    kernels_.softmax_f32(row(logits, i), logits.columns);
    route_row(row(logits, i), logits.columns, route.experts.data() + i * route.used_count,
              route.weights.data() + i * route.used_count, route.used_count);
  }
  sort_by_expert(route);
}

void CpuBackend::combine_experts(const Activations& out, const Activations& x,
                                 const ExpertRouting& routing) {
  const CpuRouting& route = static_cast<const CpuRouting&>(routing);
  SPARROW_CHECK(out.rows == route.row_count && x.rows == route.pair_count());
  SPARROW_CHECK(out.columns == x.columns);
  team_.for_each(out.rows, 8, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t first = i * route.used_count;
      const float* weights = route.weights.data() + first;
      kernels_.scale_f32(row(out, i), row(x, first), weights[0], x.columns);
      for (int64_t j = 1; j < route.used_count; ++j)
        kernels_.add_scaled_f32(row(out, i), row(x, first + j), weights[j], x.columns);
    }
  });
}

}  // namespace sparrow
