// What one forward pass is to compute: flat arrays over all tokens of all sequences in the step.
#pragma once

#include <cstdint>
#include <span>

namespace sparrow {

// Index of a block of the paged KV cache.
using BlockId = int32_t;

// One sequence's share of a batch. Its tokens are consecutive rows and consecutive positions.
struct BatchSequence {
  int64_t first_row = 0;  // into Batch::ids
  int64_t row_count = 0;
  int64_t first_position =
      0;  // of its first row; rows [0, first_position) are in the cache already
  std::span<const BlockId> blocks;  // block of position p is blocks[p / block_tokens]
};

// Views; the engine owns the arrays and rewrites them each step.
struct Batch {
  std::span<const int32_t> ids;              // [rows] token ids
  std::span<const int32_t> positions;        // [rows]
  std::span<const BatchSequence> sequences;  // cover all rows, in order
  std::span<const int64_t> logit_rows;       // rows whose logits are wanted, ascending

  bool empty() const { return ids.empty(); }
};

}  // namespace sparrow
