// What scoring tokens and choosing between labels are made of, for callers that wait in their own
// way; Engine::log_likelihood and Engine::classify wait by themselves.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "sparrow/generation.h"

namespace sparrow {

// Its answer's prompt_tokens are those of `continuation`, each after what stands before it. Throws
// Error{invalid_argument} where either is empty.
Request scoring_request(std::span<const int32_t> context, std::span<const int32_t> continuation);

// The probabilities of labels among themselves.
std::vector<double> label_shares(std::vector<double> log_likelihoods);

}  // namespace sparrow
