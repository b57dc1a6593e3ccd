#include "sampling/sampling_docs.h"

#include <fmt/format.h>

#include <algorithm>

#include "sampling/chain.h"
#include "sparrow/sampling_params.h"

namespace sparrow {
namespace {

constexpr const char* kHead = R"(# Sampling

How the next token is chosen. This page is made from the tables in `src/sampling/fields.cpp` and `src/sampling/chain.cpp`
by `scripts/make_docs`; a test fails when it is stale.

## Parameters

Each is a field of `sparrow::SamplingParams` and of JSON requests, and a flag of `sparrow run` with `-` for `_`
(`--top-p 0.9`). A value outside its range, or one that is not a finite number, is refused. Beyond the ranges, `min_tokens`
must not exceed `max_tokens`, and mirostat needs a temperature above 0.

The defaults below are the general ones. What the model file says in its `general.sampling.*` metadata comes before them, and
between the two what the catalog says for the model; a caller's own value comes first.

| Parameter | Range | Default | Meaning |
|---|---|---|---|
)";

constexpr const char* kChainHead = R"(
## Order

From the top. l is a token's logit, p the softmax over the tokens that are left. The order is llama.cpp's default (`common/common.h`
and `common_sampler_init`, October 2026): cuts see the distribution before temperature. Hugging Face and vLLM apply temperature
before the cuts; with the same numbers they cut differently unless temperature is 1.

| Step | What it does | Source |
|---|---|---|
)";

constexpr const char* kTail = R"(
Last, the token is drawn from p. At temperature 0 the most likely is taken, and steps that cannot change which that is are
skipped. Under mirostat the cuts from `top_n_sigma` to `xtc` are off; bias and penalties stay. Our mirostat measures surprise by
p before the cut, as the paper and its authors' program do; llama.cpp measures after it.

Ties are broken by the lower token id everywhere. `top_k` keeps exactly k tokens.

## Randomness

The number for the i-th token of an answer is Philox4x32-10 (Salmon et al. 2011) with the seed as its key and (i, use) as its
counter, the first 53 bits as a fraction; use is 0 for the draw and 1 for XTC. So an answer depends on the seed and the request,
not on what else was running, on interruptions or on the number of threads.

## Log probabilities

`logprobs` reports the log of the softmax over the whole raw row of logits: before masks, bias, penalties, temperature and
cuts, as OpenAI's API and vLLM's default (`raw_logprobs`) do.

## Broken logits

NaN or +inf among the logits (from broken weights), or every token excluded, ends the request with an error. A model's own -inf
excludes that token.
)";

// "|" would end the cell.
std::string cell(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '|') out += '\\';
    out += c;
  }
  return out;
}

}  // namespace

std::string sampling_docs() {
  std::string out = kHead;
  const SamplingParams defaults;
  for (const SamplingField& field : sampling_fields()) {
    out += fmt::format("| `{}` | {} | {} | {} |\n", field.name, cell(field.range),
                       cell(sampling_field_text(defaults, field)), cell(field.doc));
  }
  out += kChainHead;
  for (const ChainStep& step : sampling_chain()) {
    out += fmt::format("| {} | {} | {} |\n", step.name, cell(step.doc), cell(step.source));
  }
  return out + kTail;
}

}  // namespace sparrow
