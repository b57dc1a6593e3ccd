#include "sampling/steps.h"

namespace sparrow {

void apply_logit_bias(const StepInput& step) {
  const std::span<float> row = step.candidates.row();
  for (const auto& [id, bias] : step.state.params.logit_bias) {
    float& logit = row[static_cast<size_t>(id)];
    if (logit != kExcluded) logit = bounded(logit + static_cast<float>(bias));
  }
}

}  // namespace sparrow
