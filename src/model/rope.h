// The frequencies of rotary position embeddings, with the scalings that stretch them to longer
// contexts. Formulas as in Hugging Face's modeling_rope_utils, computed in double and rounded once.
#pragma once

#include <span>
#include <vector>

#include "model/model.h"

namespace sparrow {

// [rope_size / 2], radians a position. `divisors` is the file's rope_freqs.weight for llama3
// scaling, else empty.
std::vector<float> rope_frequencies(const ModelConfig& config, std::span<const float> divisors);

}  // namespace sparrow
