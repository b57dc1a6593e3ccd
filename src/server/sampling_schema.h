// The fields of the sampling table as JSON schemas, for what routes say of themselves.
#pragma once

#include "base/json.h"
#include "sparrow/sampling_params.h"

namespace sparrow {

// Its type and range, and its sentence. `general`: what holds where the model says nothing.
Json sampling_schema(const SamplingField& field, const SamplingParams& general);

}  // namespace sparrow
