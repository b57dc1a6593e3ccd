// A vector that all keys of a layer are moved by before they go into the cache.
//
// Softmax does not change when every key of a sequence moves by the same vector: all scores of a
// query move by the same number. Qwen2's biases make some channels of all its keys large (200 in
// qwen2.5-coder 0.5B, where the rest is about 1), just in channels that hardly turn with the
// position; rounding for the cache would lose there what tells keys apart.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "backend/backend.h"

namespace sparrow {

// What a bias of keys, [heads * head_size], leaves in all of them: its channels that `rope` turns
// by less than a sixth of a turn within `context_length` positions (further on it would be no
// nearer than 0), zeros elsewhere.
std::vector<float> key_center(std::span<const float> bias, const RopeParameters& rope,
                              int64_t context_length);

// key_center() as an operand of Backend::add_bias, negative.
class KeyShift {
 public:
  KeyShift() = default;
  KeyShift(Backend& backend, std::span<const float> bias, const RopeParameters& rope,
           int64_t context_length);
  const Weight& weight() const { return *weight_; }

 private:
  std::vector<float> values_;  // read by the weight
  std::unique_ptr<Weight> weight_;
};

}  // namespace sparrow
