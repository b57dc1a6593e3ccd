#include "sampling/exp.h"
#include "sampling/steps.h"

namespace sparrow {

void apply_top_p(const StepInput& step) {
  if (step.candidates.is_empty()) return;
  const float highest = step.candidates.highest();
  const double wanted = step.state.params.top_p * total_weight(step.candidates.all(), highest);
  double sum = 0;
  const int64_t kept = step.candidates.visit_best([&](const Candidate& candidate) {
    sum += static_cast<double>(exp_of_negative(candidate.logit - highest));
    return sum < wanted;
  });
  step.candidates.keep_first(kept);
}

}  // namespace sparrow
