// Which experts each row goes to, and the same pairs sorted by expert so that each expert's weight
// is read once.
#pragma once

#include <vector>

#include "backend/backend.h"

namespace sparrow {

struct CpuRouting final : ExpertRouting {
  CpuRouting(int64_t max_rows, int64_t all_experts, int64_t used)
      : expert_count(all_experts),
        used_count(used),
        experts(static_cast<size_t>(max_rows * used)),
        weights(experts.size()),
        sorted_pairs(experts.size()),
        sorted_rows(experts.size()),
        starts(static_cast<size_t>(all_experts + 1)) {}

  int64_t pair_count() const { return row_count * used_count; }

  int64_t expert_count;
  int64_t used_count;
  int64_t row_count = 0;
  std::vector<int32_t> experts;       // [rows, used], most likely first
  std::vector<float> weights;         // [rows, used]
  std::vector<int32_t> sorted_pairs;  // row * used + i, by expert
  std::vector<int32_t> sorted_rows;   // the row of each
  std::vector<int64_t> starts;        // [experts + 1] into the sorted lists
};

}  // namespace sparrow
