#include "engine/sequence.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/error.h"

namespace sparrow {
namespace {

double seconds(std::chrono::steady_clock::duration duration) {
  return std::chrono::duration<double>(duration).count();
}

OutputToken to_output(const SampledToken& token) {
  return {token.id, token.logprob, token.rank, {token.top.begin(), token.top.end()}};
}

}  // namespace

Sequence::Sequence(SequenceSetup setup, const Tokenizer& tokenizer)
    : tokens_(std::move(setup.prompt)),
      prompt_count_(static_cast<int64_t>(tokens_.size())),
      max_size_(setup.max_size),
      priority_(setup.priority),
      pooling_(setup.pooling),
      normalizes_(setup.normalizes),
      adapter_(std::move(setup.adapter)),
      adapter_scale_(setup.adapter_scale),
      rope_(std::move(setup.rope)),
      receipt_(std::move(setup.receipt)),
      fingerprint_(std::move(setup.fingerprint)),
      scored_count_(std::max<int64_t>(0, setup.score_from - 1)),
      sampling_(std::move(setup.sampling)),
      ending_ids_(std::move(setup.ending_ids)),
      detokenizer_(tokenizer, std::move(setup.shown_ids)),
      stops_(sampling_.params.stop) {
  stats_.prompt_tokens = prompt_count_;
  stats_.dropped_begin = setup.dropped_begin;
  stats_.dropped_tokens = setup.dropped_count;
  stats_.seed = static_cast<int64_t>(sampling_.seed);
  stream_->set_stats(stats_);
}

void Sequence::set_queue_position(int64_t position) {
  if (stats_.queue_position == position) return;
  stats_.queue_position = position;
  stream_->set_stats(stats_);
}

void Sequence::start() {
  if (!started_at_) started_at_ = Clock::now();
}

std::vector<BlockId> Sequence::take_blocks() {
  computed_count_ = 0;
  kept_count_ = 0;
  return std::exchange(blocks_, {});
}

// What was computed before, and let go of, does not count.
void Sequence::skip(int64_t count) {
  const int64_t end = computed_count_ + count;
  SPARROW_CHECK(end < size());
  const int64_t begin = std::max(computed_count_, most_computed_count_);
  stats_.cached_tokens += std::max<int64_t>(0, std::min(end, prompt_count_) - begin);
  computed_count_ = end;
  most_computed_count_ = std::max(most_computed_count_, computed_count_);
}

void Sequence::advance(int64_t count) {
  computed_count_ += count;
  most_computed_count_ = std::max(most_computed_count_, computed_count_);
}

void Sequence::finish_if_computed() {
  if (pending_count() > 0 || wants_token() || is_finished()) return;
  if (pooling_ == Pooling::none) return finish(FinishReason::length);
  double square = 0;
  for (double& value : pooled_) {
    value /= static_cast<double>(pooled_count_);
    square += value * value;
  }
  if (!std::isfinite(square)) {
    return finish_with(Error(ErrorCode::invalid_file,
                             "the model computed hidden states that are not numbers: its weights "
                             "are broken"));
  }
  const double factor = normalizes_ && square > 0 ? 1 / std::sqrt(square) : 1;
  for (const double value : pooled_) delta_.embedding.push_back(static_cast<float>(value * factor));
  finish(FinishReason::stop);
}

bool Sequence::wants_hidden(int64_t position) const {
  switch (pooling_) {
    case Pooling::none:
      return false;
    case Pooling::mean:
      return position >= pooled_count_;
    case Pooling::last:
      return position + 1 == size();
    case Pooling::cls:
      return position == 0 && pooled_count_ == 0;
  }
  return false;
}

int64_t Sequence::reusable_count() const {
  int64_t count = size() - 1;
  if (scores_prompt() && scored_count_ + 1 < prompt_count_) count = scored_count_;
  if (pooling_ == Pooling::mean) count = std::min(count, pooled_count_);
  if (pooling_ == Pooling::cls && pooled_count_ == 0) count = 0;
  return count;
}

void Sequence::append_hidden(int64_t position, std::span<const float> state) {
  SPARROW_CHECK(wants_hidden(position));
  pooled_.resize(state.size(), 0);
  for (size_t i = 0; i < state.size(); ++i) pooled_[i] += static_cast<double>(state[i]);
  ++pooled_count_;
}

void Sequence::append_score(int64_t position, const SampledToken& token) {
  if (is_finished()) return;
  if (token.id < 0) return finish_with(Error(ErrorCode::invalid_file, token.error));
  SPARROW_CHECK(position == scored_count_);
  ++scored_count_;
  delta_.prompt_tokens.push_back(to_output(token));
}

void Sequence::append(const SampledToken& token) {
  if (is_finished()) return;
  if (!answer_began_at_) answer_began_at_ = Clock::now();
  if (token.id < 0) return finish_with(Error(ErrorCode::invalid_file, token.error));
  if (std::binary_search(ending_ids_.begin(), ending_ids_.end(), token.id)) {
    delta_.stop_token = token.id;
    return finish(FinishReason::stop);
  }
  tokens_.push_back(token.id);
  ++stats_.output_tokens;
  delta_.tokens.push_back(to_output(token));
  show(detokenizer_.push(token.id));
  if (!is_finished() && !wants_token()) finish(FinishReason::length);
}

// Stop strings count from min_tokens on.
void Sequence::show(std::string_view text) {
  if (stats_.output_tokens < sampling_.params.min_tokens) {
    delta_.text += text;
    return;
  }
  if (const std::string* stop = stops_.push(text, delta_.text)) {
    delta_.stop_string = *stop;
    finish_reason_ = FinishReason::stop;
  }
}

void Sequence::finish(FinishReason reason) {
  if (is_finished()) return;
  show(detokenizer_.finish());
  if (is_finished()) return;  // by a stop string that the last character completed
  stops_.finish(delta_.text);
  finish_reason_ = reason;
}

void Sequence::finish_with(const Error& error) {
  finish(FinishReason::error);
  if (finish_reason_ != FinishReason::error) return;  // it had ended before
  delta_.error = error.what();
  delta_.error_code = error.code();
}

// As the request that would give this answer again: its seed drawn, its length what there was room
// for.
void Sequence::add_receipt() {
  SamplingParams params = sampling_.params;
  params.seed = static_cast<int64_t>(sampling_.seed);
  params.max_tokens = max_size_ - prompt_count_;
  delta_.receipt = receipt_.complete(tokens_, prompt_count_, params, finish_reason_);
}

void Sequence::deliver() {
  if (is_finished()) {
    const Clock::time_point now = Clock::now();
    const Clock::time_point started_at = started_at_.value_or(now);
    const Clock::time_point answer_began_at = answer_began_at_.value_or(now);
    stats_.queue_s = seconds(started_at - submitted_at_);
    stats_.prefill_s = seconds(answer_began_at - started_at);
    stats_.decode_s = seconds(now - answer_began_at);
    stream_->set_stats(stats_);
    if (receipt_.kind() != ReceiptKind::none) add_receipt();
  } else if (delta_.text.empty() && delta_.tokens.empty() && delta_.prompt_tokens.empty()) {
    return;
  }
  delta_.finish_reason = finish_reason_;
  stream_->push(std::exchange(delta_, {}));
}

}  // namespace sparrow
