// Checks one field's value against its row of the table.
#pragma once

#include "sparrow/sampling_params.h"

namespace sparrow {

// Throws Error{invalid_argument}: "top_p must be in (0, 1], got 1.7".
void check_sampling_field(const SamplingParams& params, const SamplingField& field);

// The refusal for a value that is not even of the field's type: "top_k must be at least 0, got
// 'many'".
[[noreturn]] void refuse_sampling_value(const SamplingField& field, std::string_view value);

}  // namespace sparrow
