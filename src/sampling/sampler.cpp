#include "sampling/sampler.h"

#include <bit>

#include "base/error.h"
#include "sampling/chain.h"

namespace sparrow {
namespace {

constexpr uint32_t kInfinity = 0x7f800000;  // +inf as bits; above it, without the sign, is NaN

constexpr const char* kBrokenLogits =
    "the model computed logits that are not numbers: its weights are broken";

}  // namespace

bool has_broken_logit(std::span<const float> logits) {
  uint32_t broken = 0;
  for (const float logit : logits) {
    const uint32_t bits = std::bit_cast<uint32_t>(logit);
    const bool is_nan = (bits & 0x7fffffffu) > kInfinity;
    broken |= (is_nan || bits == kInfinity) ? 1u : 0u;
  }
  return broken != 0;
}

Sampler::Sampler(int64_t vocabulary_size)
    : vocabulary_size_(vocabulary_size), candidates_(vocabulary_size) {
  scratch_.counts.assign(static_cast<size_t>(vocabulary_size), 0);
}

SampledToken Sampler::sample(std::span<float> logits, std::span<const int32_t> tokens,
                             SamplingState& state) {
  SPARROW_CHECK(static_cast<int64_t>(logits.size()) == vocabulary_size_);
  SampledToken result;
  if (has_broken_logit(logits)) {
    result.error = kBrokenLogits;
    return result;
  }
  double log_total = 0;
  if (state.params.logprobs >= 0) {
    raw_.assign(logits.begin(), logits.end());
    log_total = log_sum_exp(raw_);
    top_logprobs(raw_, log_total, state.params.logprobs, top_);
  }
  candidates_.reset(logits);
  const StepInput step = {tokens, state, candidates_, scratch_};
  run_chain(step);
  result.id = draw_token(step);
  if (result.id < 0) {
    result.error = "every token is excluded: nothing can be sampled";
    return result;
  }
  if (state.params.logprobs >= 0) {
    result.logprob = logprob_of(raw_[static_cast<size_t>(result.id)], log_total);
    result.rank = rank_of(raw_, result.id);
    result.top = top_;
  }
  ++state.output_count;
  return result;
}

SampledToken Sampler::score(std::span<const float> logits, int32_t id, int64_t count) {
  SPARROW_CHECK(static_cast<int64_t>(logits.size()) == vocabulary_size_);
  SampledToken result;
  if (has_broken_logit(logits)) {
    result.error = kBrokenLogits;
    return result;
  }
  const double log_total = log_sum_exp(logits);
  top_logprobs(logits, log_total, count, top_);
  result.id = id;
  result.logprob = logprob_of(logits[static_cast<size_t>(id)], log_total);
  result.rank = rank_of(logits, id);
  result.top = top_;
  return result;
}

}  // namespace sparrow
