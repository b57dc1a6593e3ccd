// SamplingParams from and to JSON objects, by the field table.
#pragma once

#include <string_view>

#include "base/json.h"
#include "sparrow/sampling_params.h"

namespace sparrow {

// Sets the fields that `object` names and checks their ranges; null leaves a field as it is. `stop`
// may also be one string; logit_bias is {"15": -2.5}. Throws Error{invalid_argument} for an unknown
// name or a value of another type and leaves `params` as it was. `what` stands in front of
// messages: "catalog: top_p must be …"; may be empty.
void set_sampling_fields(SamplingParams& params, const Json& object, std::string_view what = {});

// Every field, in the order of the table; a seed that will be drawn is null.
Json sampling_json(const SamplingParams& params);

}  // namespace sparrow
