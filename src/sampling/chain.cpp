#include "sampling/chain.h"

namespace sparrow {
namespace {

using P = SamplingParams;

bool always(const P&) { return true; }
bool has_mirostat(const P& p) { return p.mirostat != 0; }
// Mirostat decides by itself where to cut.
bool cuts(const P& p, bool is_set) { return is_set && !has_mirostat(p); }

bool has_penalties(const P& p) {
  const bool is_set = p.repeat_penalty != 1 || p.presence_penalty != 0 || p.frequency_penalty != 0;
  return is_set && p.penalty_window != 0;
}

constexpr ChainStep kChain[] = {
    {"mask", always, apply_mask, false,
     "Rows of the vocabulary that are padding are never chosen. Before `min_tokens`, nothing that "
     "would end the "
     "answer; with `ignore_eos`, never an end-of-generation token.",
     ""},
    {"allowed_token_ids", [](const P& p) { return !p.allowed_token_ids.empty(); }, apply_allowed,
     false, "No token but these is chosen.", "vLLM's SamplingParams"},
    {"bad_words", [](const P& p) { return !p.bad_words.empty(); }, apply_bad_words, false,
     "Where the answer ends with all tokens of a bad word but its last, that one is not chosen.",
     "vLLM's SamplingParams"},
    {"logit_bias", [](const P& p) { return !p.logit_bias.empty(); }, apply_logit_bias, false,
     "l += bias", "OpenAI API reference"},
    {"penalties", has_penalties, apply_penalties, false,
     "For each token that stands c > 0 times among the last `penalty_window` (prompt and answer): "
     "l = l / "
     "`repeat_penalty` if l > 0, else l × `repeat_penalty`; then l -= c × `frequency_penalty` + "
     "`presence_penalty`.",
     "Keskar et al. 2019, arXiv:1909.05858; OpenAI API reference"},
    {"dry", [](const P& p) { return p.dry_multiplier > 0 && p.dry_window != 0; }, apply_dry, false,
     "If the last n ≥ `dry_allowed_length` tokens stood before, with no breaker among them, each "
     "token that "
     "followed them there: l -= `dry_multiplier` × `dry_base`^(n - `dry_allowed_length`), n the "
     "longest such.",
     "p-e-w, oobabooga/text-generation-webui PR 5677"},
    {"top_n_sigma", [](const P& p) { return cuts(p, p.top_n_sigma >= 0); }, apply_top_n_sigma, true,
     "Keeps l ≥ max(l) - `top_n_sigma` × σ, σ the standard deviation of all logits.",
     "Tang et al. 2024, arXiv:2411.07641"},
    {"top_k", [](const P& p) { return cuts(p, p.top_k > 0); }, apply_top_k, true,
     "Keeps the `top_k` most likely tokens.", "Fan et al. 2018, arXiv:1805.04833"},
    {"typical_p", [](const P& p) { return cuts(p, p.typical_p < 1); }, apply_typical_p, false,
     "With H = -Σ p log p, keeps in order of |-log p - H| the smallest set whose p sums to "
     "`typical_p`.",
     "Meister et al. 2023, arXiv:2202.00666"},
    {"top_p", [](const P& p) { return cuts(p, p.top_p < 1); }, apply_top_p, true,
     "Keeps the smallest set of the most likely tokens whose p sums to `top_p`.",
     "Holtzman et al. 2020, arXiv:1904.09751"},
    {"min_p", [](const P& p) { return cuts(p, p.min_p > 0); }, apply_min_p, true,
     "Keeps p ≥ `min_p` × max(p).", "Nguyen et al. 2024, arXiv:2407.01082"},
    {"xtc", [](const P& p) { return cuts(p, p.xtc_probability > 0); }, apply_xtc, false,
     "With the chance `xtc_probability`: of all tokens with p ≥ `xtc_threshold` only the least "
     "likely stays.",
     "p-e-w, oobabooga/text-generation-webui PR 6335"},
    {"temperature", [](const P& p) { return p.temperature != 1; }, apply_temperature, true,
     "l = l / `temperature`; at 0 only the most likely token stays.", "Ackley et al. 1985"},
    {"mirostat", has_mirostat, apply_mirostat, true,
     "Cuts so that the surprise -log2 p of what is drawn stays near `mirostat_tau`: keeps a bound "
     "μ, at first "
     "2 × `mirostat_tau`, and after each draw μ -= `mirostat_eta` × (surprise - `mirostat_tau`). "
     "Version 1 turns μ "
     "into a top_k through a fitted Zipf law, version 2 keeps -log2 p ≤ μ.",
     "Basu et al. 2021, arXiv:2007.14966"},
};

}  // namespace

std::span<const ChainStep> sampling_chain() { return kChain; }

void run_chain(const StepInput& step) {
  const bool is_greedy = step.state.params.temperature == 0;
  for (const ChainStep& row : kChain) {
    if (!row.is_on(step.state.params)) continue;
    if (is_greedy && row.keeps_best && row.apply != apply_temperature) continue;
    row.apply(step);
  }
}

}  // namespace sparrow
