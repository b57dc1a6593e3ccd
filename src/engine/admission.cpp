#include "engine/admission.h"

#include <algorithm>
#include <random>

#include "base/error.h"
#include "base/utf8.h"
#include "engine/bad_words.h"
#include "engine/dry_breakers.h"

namespace sparrow {
namespace {

// Short enough to be typed again.
uint64_t draw_seed() { return std::random_device()(); }

void sort_and_merge(std::vector<TokenId>& ids) {
  std::sort(ids.begin(), ids.end());
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
}

void check_text(const std::string& text, std::string_view where) {
  if (is_valid_utf8(text)) return;
  fail(ErrorCode::invalid_argument, "{} must be valid UTF-8, got '{}'", where, repair_utf8(text));
}

}  // namespace

Admission::Admission(const Tokenizer& tokenizer, int64_t row_count, int64_t context_length)
    : tokenizer_(tokenizer),
      vocabulary_size_(std::min(row_count, tokenizer.vocabulary_size())),
      context_length_(context_length) {
  for (int64_t id = 0; id < row_count; ++id) {
    const bool is_named = id < vocabulary_size_;
    if (!is_named || tokenizer.type(static_cast<TokenId>(id)) == TokenType::unused)
      never_sampled_.push_back(static_cast<TokenId>(id));
  }
}

void Admission::check_id(int64_t id, std::string_view where) const {
  if (id >= 0 && id < vocabulary_size_) return;
  fail(ErrorCode::invalid_argument, "{} must be a token id in [0, {}), got {}", where,
       vocabulary_size_, id);
}

void Admission::check(const Request& request) const {
  validate(request.params);
  if (request.prompt.empty()) {
    fail(ErrorCode::invalid_argument, "the prompt is empty: it must hold at least one token");
  }
  for (size_t i = 0; i < request.prompt.size(); ++i)
    check_id(request.prompt[i], fmt::format("prompt token {}", i));
  for (const auto& [id, bias] : request.params.logit_bias) check_id(id, "logit_bias");
  for (const TokenId id : request.params.stop_token_ids) check_id(id, "stop_token_ids");
  for (const TokenId id : request.params.allowed_token_ids) check_id(id, "allowed_token_ids");
  for (const TokenId id : request.shown_tokens) check_id(id, "shown_tokens");
  for (const std::string& text : request.params.stop) check_text(text, "stop");
  for (const std::string& text : request.params.bad_words) check_text(text, "bad_words");
  for (const std::string& text : request.params.dry_sequence_breakers)
    check_text(text, "dry_sequence_breakers");
  if (request.context_length < 0 || request.context_length > context_length_) {
    fail(ErrorCode::invalid_argument,
         "context_length of a request must be in [0, {}], the engine's, got {}", context_length_,
         request.context_length);
  }
  const int64_t count = static_cast<int64_t>(request.prompt.size());
  if (request.score_from < 0 || request.score_from > count) {
    fail(ErrorCode::invalid_argument, "score_from must be in [0, {}], the prompt's tokens, got {}",
         count, request.score_from);
  }
  if (request.receipt != ReceiptKind::none && request.pooling != Pooling::none)
    fail(ErrorCode::invalid_argument, "a receipt is of an answer, not of an embedding");
  if (request.context_policy != ContextPolicy::error && request.params.prompt_logprobs >= 0) {
    fail(ErrorCode::invalid_argument,
         "prompt_logprobs are of a whole prompt: context_policy must then be error, got {}",
         to_string(request.context_policy));
  }
}

// Cuts a prompt that is too long, or refuses it.
void Admission::fit(std::vector<TokenId>& prompt, const Request& request, int64_t context,
                    SequenceSetup& setup) const {
  const int64_t wanted = request.params.max_tokens;
  const int64_t count = static_cast<int64_t>(prompt.size());
  if (count + (wanted == 0 ? 0 : 1) <= context && request.context_policy == ContextPolicy::error)
    return;
  const int64_t room = std::max<int64_t>(1, context / 4);  // for an answer
  const int64_t kept = context - (wanted < 0 ? room : std::min(room, wanted));
  if (count <= kept) return;
  if (request.context_policy == ContextPolicy::error || kept < 1) {
    fail(ErrorCode::context_full,
         "the prompt is too long: {} tokens, and the context of {} must hold it and an answer",
         count, context);
  }
  const std::vector<TokenId> prefix = tokenizer_.prefix();
  const bool has_prefix = static_cast<int64_t>(prefix.size()) < kept &&
                          std::equal(prefix.begin(), prefix.end(), prompt.begin());
  const int64_t prefix_count = has_prefix ? static_cast<int64_t>(prefix.size()) : 0;
  setup.dropped_begin =
      request.context_policy == ContextPolicy::drop_oldest ? prefix_count : kept / 2;
  setup.dropped_count = count - kept;
  const auto begin = prompt.begin() + setup.dropped_begin;
  prompt.erase(begin, begin + setup.dropped_count);
}

std::unique_ptr<Sequence> Admission::admit(Request request, SequenceSetup setup) const {
  if (request.pooling != Pooling::none) request.params.max_tokens = 0;
  check(request);
  const SamplingParams& params = request.params;
  const auto ends = tokenizer_.end_of_generation();

  std::vector<TokenId>& ending = setup.ending_ids;
  ending = params.stop_token_ids;
  sort_and_merge(ending);
  setup.sampling.excluded = never_sampled_;
  for (const TokenId id : ends) {
    if (id >= vocabulary_size_) continue;
    const bool is_wanted = std::binary_search(ending.begin(), ending.end(), id);
    if (params.ignore_eos && !is_wanted) setup.sampling.excluded.push_back(id);
  }
  ending.insert(ending.end(), ends.begin(), ends.end());
  sort_and_merge(ending);
  std::erase_if(ending, [&](TokenId id) { return id >= vocabulary_size_; });
  setup.sampling.held_back = ending;

  const bool has_seed = params.seed && *params.seed >= 0;
  setup.sampling.seed = has_seed ? static_cast<uint64_t>(*params.seed) : draw_seed();
  setup.sampling.mirostat_mu = 2 * params.mirostat_tau;
  setup.sampling.allowed = params.allowed_token_ids;
  sort_and_merge(setup.sampling.allowed);
  setup.sampling.bad_words = resolve_bad_words(tokenizer_, params.bad_words);
  if (params.dry_multiplier > 0)
    setup.sampling.dry_breakers = resolve_dry_breakers(tokenizer_, params.dry_sequence_breakers);

  const int64_t context = request.context_length > 0 ? request.context_length : context_length_;
  fit(request.prompt, request, context, setup);
  const int64_t prompt_count = static_cast<int64_t>(request.prompt.size());
  const int64_t room = context - prompt_count;
  const int64_t answer_count = params.max_tokens < 0 ? room : std::min(room, params.max_tokens);
  setup.max_size = prompt_count + answer_count;
  setup.priority = request.priority;
  setup.pooling = request.pooling;
  setup.normalizes = request.normalize;
  setup.score_from = request.score_from;
  setup.shown_ids = std::move(request.shown_tokens);
  setup.prompt = std::move(request.prompt);
  setup.sampling.params = std::move(request.params);
  return std::make_unique<Sequence>(std::move(setup), tokenizer_);
}

}  // namespace sparrow
