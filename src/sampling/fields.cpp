// The table of sampling parameters: flags, JSON, Python keywords, validation and docs/sampling.md
// come from it.
#include <algorithm>

#include "sparrow/sampling_params.h"

namespace sparrow {
namespace {

using P = SamplingParams;

constexpr double kLongest = 1 << 24;  // the longest context a model file may name
constexpr double kAnyInt = 9223372036854775807.0;
constexpr double kAnyId = 2147483647.0;

// {name, member, minimum, maximum, minimum_open, maximum_count, range, doc}
constexpr SamplingField kFields[] = {
    {"temperature", &P::temperature, 0, 100, false, 1, "in [0, 100]",
     "How freely the next token is drawn: 0 always takes the most likely, 1 draws as the model "
     "says."},
    {"top_k", &P::top_k, 0, kAnyId, false, 1, "at least 0",
     "Draws from this many of the most likely tokens; 0: from all."},
    {"top_p", &P::top_p, 0, 1, true, 1, "in (0, 1]",
     "Draws from the smallest set of the most likely tokens that holds this share of the "
     "probability; 1: off."},
    {"min_p", &P::min_p, 0, 1, false, 1, "in [0, 1]",
     "Drops tokens less likely than this share of the most likely one; 0: off."},
    {"typical_p", &P::typical_p, 0, 1, true, 1, "in (0, 1]",
     "Draws from the tokens that surprise about as much as expected, up to this share of the "
     "probability; 1: off."},
    {"top_n_sigma", &P::top_n_sigma, -1, 100, false, 1, "in [-1, 100]",
     "Drops tokens whose logit lies more than this many standard deviations below the best; below "
     "0: off."},
    {"repeat_penalty", &P::repeat_penalty, 0, 100, true, 1, "in (0, 100]",
     "Makes tokens that stood before less likely by dividing their logit; 1: off."},
    {"presence_penalty", &P::presence_penalty, -2, 2, false, 1, "in [-2, 2]",
     "Taken from the logit of each token that stood before; 0: off."},
    {"frequency_penalty", &P::frequency_penalty, -2, 2, false, 1, "in [-2, 2]",
     "Taken from the logit of a token once for each time it stood before; 0: off."},
    {"penalty_window", &P::penalty_window, -1, kLongest, false, 1, "in [-1, 16777216]",
     "How many of the last tokens, of prompt and answer, the three penalties look at; 0: none, -1: "
     "all."},
    {"penalize_prompt", &P::penalize_prompt, 0, 1, false, 1, "true or false",
     "Whether presence and frequency also count tokens of the prompt; false: of the answer only, "
     "as "
     "OpenAI and vLLM do."},
    {"dry_multiplier", &P::dry_multiplier, 0, 100, false, 1, "in [0, 100]",
     "DRY: the penalty for continuing a repetition of the allowed length; 0: off."},
    {"dry_base", &P::dry_base, 1, 100, false, 1, "in [1, 100]",
     "DRY: the penalty grows by this factor with each further token repeated."},
    {"dry_allowed_length", &P::dry_allowed_length, 1, kLongest, false, 1, "in [1, 16777216]",
     "DRY: a repetition of at least this many tokens is penalised."},
    {"dry_window", &P::dry_window, -1, kLongest, false, 1, "in [-1, 16777216]",
     "DRY: how many of the last tokens are searched for repetitions; 0: none, -1: all."},
    {"dry_sequence_breakers", &P::dry_sequence_breakers, 1, 64, false, 64,
     "at most 64 texts of 1 to 64 bytes", "DRY: texts that a repetition never reaches across."},
    {"xtc_probability", &P::xtc_probability, 0, 1, false, 1, "in [0, 1]",
     "XTC: the chance that the likely tokens but one are dropped, for variety; 0: off."},
    {"xtc_threshold", &P::xtc_threshold, 0, 0.5, false, 1, "in [0, 0.5]",
     "XTC: from which probability on a token counts as likely."},
    {"mirostat", &P::mirostat, 0, 2, false, 1, "in [0, 2]",
     "Keeps the surprise of the text steady, in place of top_k, top_p and the other cuts; version "
     "1 or 2, 0: off."},
    {"mirostat_tau", &P::mirostat_tau, 0, 100, false, 1, "in [0, 100]",
     "Mirostat: the surprise aimed at, in bits a token."},
    {"mirostat_eta", &P::mirostat_eta, 0, 1, false, 1, "in [0, 1]",
     "Mirostat: how quickly it adapts."},
    {"logit_bias", &P::logit_bias, -100, 100, false, 1024,
     "at most 1024 pairs of a token id, at least 0, and a bias in [-100, 100]",
     "Added to the logits of single tokens, as ID=BIAS; -100 excludes one in practice."},
    {"allowed_token_ids", &P::allowed_token_ids, 0, kAnyId, false, 1 << 20,
     "at most 1048576 token ids, each at least 0",
     "Only these tokens are ever sampled; empty: all. An answer can end only if what ends it is "
     "among them."},
    {"bad_words", &P::bad_words, 1, 256, false, 128, "at most 128 texts of 1 to 256 bytes",
     "Texts that the answer does not hold as the tokenizer writes them, by themselves or after a "
     "space: the last token of one is not sampled once the others stand."},
    {"stop", &P::stop, 1, 256, false, 16, "at most 16 texts of 1 to 256 bytes",
     "The answer ends before the first of these texts."},
    {"stop_token_ids", &P::stop_token_ids, 0, kAnyId, false, 1024,
     "at most 1024 token ids, each at least 0", "The answer ends before any of these tokens."},
    {"ignore_eos", &P::ignore_eos, 0, 1, false, 1, "true or false",
     "The model's own end-of-generation tokens are never sampled."},
    {"min_tokens", &P::min_tokens, 0, kLongest, false, 1, "in [0, 16777216]",
     "No token that would end the answer is sampled before this many."},
    {"max_tokens", &P::max_tokens, -1, kLongest, false, 1, "in [-1, 16777216]",
     "The longest answer, in tokens; -1: until the context is full, 0: only reads the prompt."},
    {"seed", &P::seed, -1, kAnyInt, false, 1, "at least -1, or random",
     "Same seed, same request, same answer; -1 or random: drawn for each request, and reported."},
    {"logprobs", &P::logprobs, -1, 20, false, 1, "in [-1, 20]",
     "Reports the log probability of each token of the answer, and of this many most likely ones; "
     "-1: none."},
    {"prompt_logprobs", &P::prompt_logprobs, -1, 20, false, 1, "in [-1, 20]",
     "Reports the log probability of each token of the prompt but the first, and of this many most "
     "likely ones in its place; -1: none. The whole prompt is then computed."},
};

}  // namespace

std::span<const SamplingField> sampling_fields() { return kFields; }

const SamplingField* find_sampling_field(std::string_view name) {
  const auto it = std::find_if(std::begin(kFields), std::end(kFields),
                               [&](const SamplingField& field) { return field.name == name; });
  return it == std::end(kFields) ? nullptr : it;
}

}  // namespace sparrow
