// What one forward pass is to compute: flat arrays over all tokens of all sequences in the step.
#pragma once

#include <cstdint>
#include <span>

#include "backend/backend.h"

namespace sparrow {

// Views; the engine owns the arrays and rewrites them each step.
struct Batch {
  std::span<const int32_t> ids;              // [rows] token ids
  std::span<const int32_t> positions;        // [rows]
  std::span<const BatchSequence> sequences;  // cover all rows, in order
  std::span<const int64_t> logit_rows;       // rows whose logits are wanted, ascending

  bool empty() const { return ids.empty(); }
};

}  // namespace sparrow
