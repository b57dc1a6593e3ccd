#include "sampling/steps.h"

namespace sparrow {

void apply_top_k(const StepInput& step) { step.candidates.keep_best(step.state.params.top_k); }

}  // namespace sparrow
