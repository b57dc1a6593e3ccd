#include <algorithm>

#include "sampling/exp.h"
#include "sampling/random.h"
#include "sampling/steps.h"

namespace sparrow {

void apply_xtc(const StepInput& step) {
  const SamplingParams& params = step.state.params;
  const double chance =
      random_unit(step.state.seed, static_cast<uint64_t>(step.state.output_count), RandomUse::xtc);
  if (step.candidates.is_empty() || chance >= params.xtc_probability) return;
  const float highest = step.candidates.highest();
  const double least = params.xtc_threshold * total_weight(step.candidates.all(), highest);
  int64_t likely = 0;
  step.candidates.visit_best([&](const Candidate& candidate) {
    if (static_cast<double>(exp_of_negative(candidate.logit - highest)) < least) return false;
    ++likely;
    return true;
  });
  if (likely < 2) return;
  const std::span<Candidate> all = step.candidates.all();
  std::rotate(all.begin(), all.begin() + (likely - 1), all.end());
  step.candidates.forget_order();
  step.candidates.keep_first(static_cast<int64_t>(all.size()) - (likely - 1));
}

}  // namespace sparrow
