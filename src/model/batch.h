// What one forward pass is to compute: flat arrays over all tokens of all sequences in the step.
#pragma once

#include <cstdint>
#include <span>

#include "backend/backend.h"

namespace sparrow {

class LoraAdapter;
struct Rope;

// What a sequence has added to the base model: nothing where `adapter` is null.
struct SequenceAdapter {
  const LoraAdapter* adapter = nullptr;
  float scale = 1;
};

// Views; the engine owns the arrays and rewrites them each step.
struct Batch {
  std::span<const int32_t> ids;              // [rows] token ids
  std::span<const int32_t> positions;        // [rows]
  std::span<const BatchSequence> sequences;  // cover all rows, in order
  std::span<const int64_t> logit_rows;       // rows whose logits are wanted, ascending
  // Rows whose final hidden state is wanted, ascending; a row may be in both lists.
  std::span<const int64_t> hidden_rows = {};
  std::span<const SequenceAdapter> adapters = {};  // one a sequence, or none at all
  std::span<const Rope* const> ropes = {};         // the same; null: the model's own

  bool empty() const { return ids.empty(); }
};

}  // namespace sparrow
