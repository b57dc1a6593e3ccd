#include "sampling/exp.h"
#include "sampling/random.h"
#include "sampling/steps.h"

namespace sparrow {

double total_weight(std::span<const Candidate> candidates, float highest) {
  return sum_of_exp(candidates, highest, [](const Candidate& c) { return c.logit; });
}

int32_t draw_token(const StepInput& step) {
  Candidates& candidates = step.candidates;
  if (candidates.is_empty()) return -1;
  const float highest = candidates.highest();
  const double target = random_unit(step.state.seed, static_cast<uint64_t>(step.state.output_count),
                                    RandomUse::token) *
                        total_weight(candidates.all(), highest);
  double sum = 0;
  Candidate drawn;
  candidates.visit_best([&](const Candidate& candidate) {
    const double weight = static_cast<double>(exp_of_negative(candidate.logit - highest));
    // The sums may differ in the last bit from the total's: whoever has weight and came last stays.
    if (weight > 0) drawn = candidate;
    sum += weight;
    return sum <= target;
  });
  if (step.state.params.mirostat != 0) observe_mirostat(step.state, drawn.logit);
  return drawn.id;
}

}  // namespace sparrow
