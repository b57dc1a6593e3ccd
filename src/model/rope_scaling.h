// RoPE scalings as text and JSON, and their place in a configuration.
#pragma once

#include "model/model.h"
#include "sparrow/generation.h"

namespace sparrow {

// "none", "linear", "yarn", "llama3".
std::string_view to_string(RopeScalingType type);

// The configuration with this scaling in place of its own; its context grows with it. Throws
// Error{invalid_argument} for values outside their ranges.
ModelConfig with_rope_scaling(ModelConfig config, const RopeScaling& scaling);

}  // namespace sparrow
