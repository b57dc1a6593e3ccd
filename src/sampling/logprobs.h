// Log probabilities as they are reported: of the raw softmax over the whole row of logits, before
// masks, biases, penalties, temperature and filters (as OpenAI's API and vLLM's default
// `raw_logprobs`). A pure function of the row, so a token's value is the same float in every list.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "sparrow/generation.h"

namespace sparrow {

// log(sum(exp(logits))), summed in f64 in a fixed order. Excluded tokens count as nothing.
double log_sum_exp(std::span<const float> logits);

// The `count` most likely tokens, best first, of equals the lower id. `log_total` is the row's
// log_sum_exp.
void top_logprobs(std::span<const float> logits, double log_total, int64_t count,
                  std::vector<TokenLogprob>& out);

// How many tokens are at least as likely as this one, itself included: 1 is the most likely.
int64_t rank_of(std::span<const float> logits, int32_t id);

inline float logprob_of(float logit, double log_total) {
  return static_cast<float>(static_cast<double>(logit) - log_total);
}

}  // namespace sparrow
