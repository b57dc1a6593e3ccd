#include <cmath>

#include "sampling/steps.h"

namespace sparrow {

// p >= min_p * max(p) is l >= max(l) + log(min_p): no softmax is needed.
void apply_min_p(const StepInput& step) {
  const double least =
      static_cast<double>(step.candidates.highest()) + std::log(step.state.params.min_p);
  step.candidates.keep_from(static_cast<float>(least));
}

}  // namespace sparrow
