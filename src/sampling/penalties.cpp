#include <algorithm>
#include <utility>

#include "sampling/steps.h"

namespace sparrow {

std::span<const int32_t> last_tokens(std::span<const int32_t> tokens, int64_t window) {
  if (window < 0 || window >= static_cast<int64_t>(tokens.size())) return tokens;
  return tokens.last(static_cast<size_t>(window));
}

// Presence and frequency count the answer's tokens, or all that repeat_penalty looks at.
void apply_penalties(const StepInput& step) {
  const SamplingParams& params = step.state.params;
  const std::span<float> row = step.candidates.row();
  StepScratch& scratch = step.scratch;
  scratch.touched.clear();
  const std::span<const int32_t> tokens = last_tokens(step.tokens, params.penalty_window);
  const int64_t prompt_count = static_cast<int64_t>(tokens.size()) - step.state.output_count;
  const size_t uncounted =
      params.penalize_prompt ? 0 : static_cast<size_t>(std::max<int64_t>(0, prompt_count));
  // One more than a touched token's count.
  const auto touch = [&](int32_t id) -> int32_t& {
    int32_t& count = scratch.counts[static_cast<size_t>(id)];
    if (count == 0) {
      scratch.touched.push_back(id);
      count = 1;
    }
    return count;
  };
  for (const int32_t id : tokens.first(uncounted)) touch(id);
  for (const int32_t id : tokens.subspan(uncounted)) ++touch(id);
  const float repeat = static_cast<float>(params.repeat_penalty);
  for (const int32_t id : scratch.touched) {
    const double count = std::exchange(scratch.counts[static_cast<size_t>(id)], 0) - 1;
    float& logit = row[static_cast<size_t>(id)];
    if (logit == kExcluded) continue;
    logit = logit > 0 ? logit / repeat : logit * repeat;
    const double penalty =
        count > 0 ? count * params.frequency_penalty + params.presence_penalty : 0;
    logit = bounded(logit - static_cast<float>(penalty));
  }
}

}  // namespace sparrow
