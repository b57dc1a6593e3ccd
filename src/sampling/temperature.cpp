#include "sampling/steps.h"

namespace sparrow {

void apply_temperature(const StepInput& step) {
  const double temperature = step.state.params.temperature;
  if (temperature == 0) {
    step.candidates.keep_best(1);
    return;
  }
  if (step.candidates.is_empty()) return;
  // The highest becomes 0, so nothing overflows however small the temperature is.
  const double highest = step.candidates.highest();
  for (Candidate& candidate : step.candidates.all())
    candidate.logit = static_cast<float>((candidate.logit - highest) / temperature);
}

}  // namespace sparrow
