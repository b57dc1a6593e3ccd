// A row of logits and what a request wants, to the next token.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "sampling/candidates.h"
#include "sampling/logprobs.h"
#include "sampling/sampling_state.h"
#include "sampling/steps.h"

namespace sparrow {

struct SampledToken {
  int32_t id = -1;  // -1: nothing could be sampled, see `error`
  // With logprobs asked for; see logprobs.h. `top` is valid until the next call.
  float logprob = 0;
  int64_t rank = 0;
  std::span<const TokenLogprob> top;
  // Empty unless id is -1: a logit that is no number, or every token excluded.
  const char* error = "";
};

// Loaded once; owns only scratch memory, one thread at a time. After the first rows it allocates
// nothing, but what grows with the longest history seen.
class Sampler {
 public:
  explicit Sampler(int64_t vocabulary_size);

  // `logits`: one row, [vocabulary]; it is overwritten. `tokens`: prompt and answer so far, every
  // id inside the vocabulary. Never throws. The result depends on the arguments alone, and its
  // randomness on (state.seed, state.output_count); a sampled token advances the state.
  SampledToken sample(std::span<float> logits, std::span<const int32_t> tokens,
                      SamplingState& state);

  // The logprobs of a token that is known: `id` where this row of logits stands, and the `count`
  // most likely ones. As `sample` would report them; or its error of broken logits.
  SampledToken score(std::span<const float> logits, int32_t id, int64_t count);

 private:
  int64_t vocabulary_size_;
  Candidates candidates_;
  StepScratch scratch_;
  std::vector<float> raw_;  // the row before the steps, when logprobs are wanted
  std::vector<TokenLogprob> top_;
};

// Whether a logit is NaN or +inf: from broken weights. -inf is a token the model excludes itself.
bool has_broken_logit(std::span<const float> logits);

}  // namespace sparrow
