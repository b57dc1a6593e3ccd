// The steps from logits to a token: one function and one file each, in the order of chain.cpp.
// p is the softmax over the candidates left, l a logit, and "kept" never means none: a step leaves
// at least one candidate.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "sampling/candidates.h"
#include "sampling/sampling_state.h"

namespace sparrow {

// Memory of the steps, reused.
struct StepScratch {
  std::vector<int32_t> counts;       // [vocabulary], zero between steps
  std::vector<int32_t> touched;      // ids whose count is not zero
  std::vector<int32_t> match_sizes;  // DRY: [history]
  struct Score {
    double score;
    double weight;
    int32_t id;
    float logit;
  };
  std::vector<Score> scores;  // typical_p
};

struct StepInput {
  std::span<const int32_t> tokens;  // prompt and answer so far
  SamplingState& state;
  Candidates& candidates;
  StepScratch& scratch;
};

// Nobody samples an id of state.excluded, nor before min_tokens one of state.held_back.
void apply_mask(const StepInput& step);

// Only ids of state.allowed are sampled, if there are any.
void apply_allowed(const StepInput& step);

// Nobody samples the last id of one of state.bad_words where the answer ends with the others.
void apply_bad_words(const StepInput& step);

// l += bias of that token.
void apply_logit_bias(const StepInput& step);

// Every token that stands among the last penalty_window ones, c times: l = l / r if l > 0, else
// l * r (r: repeat_penalty; Keskar et al. 2019, arXiv:1909.05858, with the fix for negative logits
// that all use); then l -= c * frequency_penalty + presence_penalty (OpenAI's API reference).
void apply_penalties(const StepInput& step);

// "Don't repeat yourself" (p-e-w, oobabooga/text-generation-webui PR 5677). If the last n tokens
// (n >= dry_allowed_length, no breaker among them) have stood before, each token that followed them
// there: l -= dry_multiplier * dry_base ^ (n - dry_allowed_length), n the longest such. Breakers
// themselves are never penalised.
void apply_dry(const StepInput& step);

// Keeps l >= max(l) - top_n_sigma * sigma, sigma the standard deviation of all logits left (Tang et
// al. 2024, arXiv:2411.07641).
void apply_top_n_sigma(const StepInput& step);

// Keeps the top_k best, exactly: of equals the lower id (Fan et al. 2018, arXiv:1805.04833).
void apply_top_k(const StepInput& step);

// H = -sum(p * log p). In order of |-log p - H|, keeps the smallest set whose p sums to typical_p
// (Meister et al. 2023, arXiv:2202.00666).
void apply_typical_p(const StepInput& step);

// Keeps the smallest set of the best whose p sums to top_p (Holtzman et al. 2020,
// arXiv:1904.09751).
void apply_top_p(const StepInput& step);

// Keeps p >= min_p * max(p) (Nguyen et al. 2024, arXiv:2407.01082).
void apply_min_p(const StepInput& step);

// "Exclude top choices" (p-e-w, oobabooga/text-generation-webui PR 6335): with the chance
// xtc_probability, of all tokens with p >= xtc_threshold only the least likely stays.
void apply_xtc(const StepInput& step);

// l = (l - max(l)) / temperature; at 0 only the best stays (of equals the lowest id).
void apply_temperature(const StepInput& step);

// Mirostat (Basu et al. 2021, arXiv:2007.14966), surprise in bits. Both keep mu, begun at 2 * tau,
// and after the draw of x: mu -= eta * (-log2 p(x) - tau), p from before the cut.
// 1 (algorithm 1): s = sum(t * b) / sum(t * t) over the 100 best, t = ln((i + 1) / i),
// b = ln(p_i / p_(i+1)); e = s - 1; keeps the k best, k = (e * 2^mu / (1 - N^-e))^(1 / s), N the
// vocabulary's size, rounded, and one more, as the authors' program does.
// 2 (algorithm 2): keeps -log2 p <= mu, at least the best.
void apply_mirostat(const StepInput& step);

// Draws from p, walking from the best down until the sum passes a uniform number. -1 if no
// candidate is left.
int32_t draw_token(const StepInput& step);

// Tells mirostat what was drawn; `logit` as the step saw it.
void observe_mirostat(SamplingState& state, float logit);

// The last `window` tokens; all for -1.
std::span<const int32_t> last_tokens(std::span<const int32_t> tokens, int64_t window);

// sum(exp(l - highest)) over the candidates.
double total_weight(std::span<const Candidate> candidates, float highest);

}  // namespace sparrow
