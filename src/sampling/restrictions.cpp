#include <algorithm>

#include "sampling/steps.h"

namespace sparrow {

void apply_mask(const StepInput& step) {
  const std::span<float> row = step.candidates.row();
  for (const int32_t id : step.state.excluded) row[static_cast<size_t>(id)] = kExcluded;
  if (step.state.output_count >= step.state.params.min_tokens) return;
  for (const int32_t id : step.state.held_back) row[static_cast<size_t>(id)] = kExcluded;
}

void apply_allowed(const StepInput& step) {
  const std::span<float> row = step.candidates.row();
  auto allowed = step.state.allowed.begin();
  for (size_t id = 0; id < row.size(); ++id) {
    if (allowed != step.state.allowed.end() && *allowed == static_cast<int32_t>(id)) {
      ++allowed;
    } else {
      row[id] = kExcluded;
    }
  }
}

void apply_bad_words(const StepInput& step) {
  const std::span<float> row = step.candidates.row();
  const std::span<const int32_t> answer = last_tokens(step.tokens, step.state.output_count);
  for (const std::vector<int32_t>& word : step.state.bad_words) {
    const std::span<const int32_t> others(word.data(), word.size() - 1);
    if (others.size() <= answer.size() && std::ranges::equal(others, answer.last(others.size())))
      row[static_cast<size_t>(word.back())] = kExcluded;
  }
}

}  // namespace sparrow
