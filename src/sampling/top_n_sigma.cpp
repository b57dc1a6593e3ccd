#include <cmath>

#include "sampling/steps.h"

namespace sparrow {

void apply_top_n_sigma(const StepInput& step) {
  const std::span<const float> row = step.candidates.row();
  const float highest = step.candidates.highest();
  // Distances from the highest: sums of their squares do not cancel. Several sums at a time,
  // because one would wait for itself.
  constexpr size_t kLanes = 8;
  double sums[kLanes] = {};
  double squares[kLanes] = {};
  int64_t counts[kLanes] = {};
  for (size_t id = 0; id < row.size(); ++id) {
    const bool is_left = row[id] != kExcluded;
    const double distance = is_left ? static_cast<double>(highest) - row[id] : 0.0;
    sums[id % kLanes] += distance;
    squares[id % kLanes] += distance * distance;
    counts[id % kLanes] += is_left ? 1 : 0;
  }
  double sum = 0;
  double square = 0;
  double count = 0;
  for (size_t lane = 0; lane < kLanes; ++lane) {
    sum += sums[lane];
    square += squares[lane];
    count += static_cast<double>(counts[lane]);
  }
  if (count == 0) return;
  const double mean = sum / count;
  const double sigma = std::sqrt(std::max(0.0, square / count - mean * mean));
  const double least = static_cast<double>(highest) - step.state.params.top_n_sigma * sigma;
  step.candidates.keep_from(std::min(highest, static_cast<float>(least)));
}

}  // namespace sparrow
