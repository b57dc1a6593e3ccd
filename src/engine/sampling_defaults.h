// The sampling parameters a model is best used with.
#pragma once

#include "base/json.h"
#include "gguf/metadata.h"
#include "sparrow/sampling_params.h"

namespace sparrow {

// What the model file says (general.sampling.*), else what the catalog says for the model (an
// object of SamplingParams fields), else `general`; field by field. A value of the file
// that is outside its range is left out with a warning: it is advice, not part of the model.
// Throws Error{invalid_argument} for a catalog entry that is wrong.
SamplingParams default_sampling(const Metadata& file, const Json& catalog = Json::object(),
                                const SamplingParams& general = {});

}  // namespace sparrow
