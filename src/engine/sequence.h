// One generation in flight: its tokens, its share of the KV cache, and the way from sampled tokens
// to the text that its caller reads.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "backend/backend.h"
#include "engine/output_stream.h"
#include "engine/stop_matcher.h"
#include "sampling/sampler.h"
#include "text/detokenizer.h"

namespace sparrow {

// What a sequence is made from; every value has been checked.
struct SequenceSetup {
  std::vector<TokenId> prompt;
  SamplingState sampling;
  std::vector<TokenId> ending_ids;  // sorted: sampling one of them ends the answer
  int64_t max_size = 0;             // of prompt and answer together
};

// Made on its caller's thread; used by the engine's afterwards.
class Sequence {
 public:
  // `tokenizer` must outlive this.
  Sequence(SequenceSetup setup, const Tokenizer& tokenizer);

  const std::shared_ptr<OutputStream>& stream() const { return stream_; }
  SamplingState& sampling() { return sampling_; }

  const std::vector<TokenId>& tokens() const { return tokens_; }  // prompt and answer
  int64_t size() const { return static_cast<int64_t>(tokens_.size()); }
  int64_t max_size() const { return max_size_; }
  int64_t computed_count() const { return computed_count_; }
  // Tokens whose keys and values are not in the cache yet; 1 while it decodes.
  int64_t pending_count() const { return size() - computed_count_; }
  // Whether the logits of its last token are wanted.
  bool wants_token() const { return size() < max_size_; }

  // The KV blocks of positions [0, max_size); the first `cached_count` positions hold the prompt's
  // keys and values already.
  void start(std::vector<BlockId> blocks, int64_t cached_count);
  const std::vector<BlockId>& blocks() const { return blocks_; }
  std::vector<BlockId> take_blocks();

  // `count` more positions are computed. A sequence that wants no token is then at its end.
  void advance(int64_t count);
  // The token after the last, or why there is none. May finish the sequence.
  void append(const SampledToken& token);
  void finish(FinishReason reason);
  void finish_with(const Error& error);

  bool is_finished() const { return finish_reason_ != FinishReason::none; }
  FinishReason finish_reason() const { return finish_reason_; }

  // Hands what is new to the stream; the last time after it has finished.
  void deliver();

 private:
  using Clock = std::chrono::steady_clock;

  void show(std::string_view text);

  std::shared_ptr<OutputStream> stream_ = std::make_shared<OutputStream>();
  std::vector<TokenId> tokens_;
  int64_t prompt_count_;
  int64_t max_size_;
  int64_t computed_count_ = 0;
  std::vector<BlockId> blocks_;
  SamplingState sampling_;
  std::vector<TokenId> ending_ids_;
  Detokenizer detokenizer_;
  StopMatcher stops_;
  TextDelta delta_;  // what the stream has not got yet
  FinishReason finish_reason_ = FinishReason::none;
  RequestStats stats_;
  Clock::time_point submitted_at_ = Clock::now();
  std::optional<Clock::time_point> started_at_;       // its first step
  std::optional<Clock::time_point> answer_began_at_;  // its first token
};

}  // namespace sparrow
