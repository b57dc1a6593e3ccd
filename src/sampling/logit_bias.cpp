#include "sampling/steps.h"

namespace sparrow {

void apply_mask(const StepInput& step) {
  const std::span<float> row = step.candidates.row();
  for (const int32_t id : step.state.excluded) row[static_cast<size_t>(id)] = kExcluded;
  if (step.state.output_count >= step.state.params.min_tokens) return;
  for (const int32_t id : step.state.held_back) row[static_cast<size_t>(id)] = kExcluded;
}

void apply_logit_bias(const StepInput& step) {
  const std::span<float> row = step.candidates.row();
  for (const auto& [id, bias] : step.state.params.logit_bias) {
    float& logit = row[static_cast<size_t>(id)];
    if (logit != kExcluded) logit = bounded(logit + static_cast<float>(bias));
  }
}

}  // namespace sparrow
