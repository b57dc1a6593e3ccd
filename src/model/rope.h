// The frequencies of rotary position embeddings, with the scalings that stretch them to longer
// contexts. Formulas as in Hugging Face's modeling_rope_utils, computed in double and rounded once.
#pragma once

#include <span>
#include <vector>

#include "model/model.h"

namespace sparrow {

// How channels turn with the position, loaded once and immutable.
struct Rope {
  std::vector<float> frequencies;  // [rope_size / 2], radians a position
  float magnitude = 1;             // of cosines and sines
};

// `divisors`: the file's rope_freqs.weight where config.has_rope_divisors, else empty.
Rope make_rope(const ModelConfig& config, std::span<const float> divisors);

// In a backend's form; views `rope`.
RopeParameters rope_parameters(RopeStyle style, const ModelConfig& config, const Rope& rope);

// YaRN's for a context `factor` times as long: 0.1 ln(factor) + 1.
double yarn_attention_factor(double factor);

}  // namespace sparrow
