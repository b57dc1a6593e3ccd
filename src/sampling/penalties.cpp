#include <algorithm>

#include "sampling/steps.h"

namespace sparrow {

std::span<const int32_t> last_tokens(std::span<const int32_t> tokens, int64_t window) {
  if (window < 0 || window >= static_cast<int64_t>(tokens.size())) return tokens;
  return tokens.last(static_cast<size_t>(window));
}

void apply_penalties(const StepInput& step) {
  const SamplingParams& params = step.state.params;
  const std::span<float> row = step.candidates.row();
  StepScratch& scratch = step.scratch;
  scratch.touched.clear();
  for (const int32_t id : last_tokens(step.tokens, params.penalty_window)) {
    if (scratch.counts[static_cast<size_t>(id)]++ == 0) scratch.touched.push_back(id);
  }
  const float repeat = static_cast<float>(params.repeat_penalty);
  for (const int32_t id : scratch.touched) {
    const double count = scratch.counts[static_cast<size_t>(id)];
    scratch.counts[static_cast<size_t>(id)] = 0;
    float& logit = row[static_cast<size_t>(id)];
    if (logit == kExcluded) continue;
    logit = logit > 0 ? logit / repeat : logit * repeat;
    logit = bounded(logit -
                    static_cast<float>(count * params.frequency_penalty + params.presence_penalty));
  }
}

}  // namespace sparrow
