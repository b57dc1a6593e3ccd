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
#include "engine/prefix_cache.h"
#include "engine/receipt.h"
#include "engine/stop_matcher.h"
#include "model/batch.h"
#include "sampling/sampler.h"
#include "sparrow/output_stream.h"
#include "text/detokenizer.h"

namespace sparrow {

// What a sequence is made from; every value has been checked.
struct SequenceSetup {
  std::vector<TokenId> prompt;
  int64_t dropped_begin = 0;  // of the prompt, from where on so many tokens are not in it
  int64_t dropped_count = 0;
  SamplingState sampling;
  std::vector<TokenId> ending_ids;  // sorted: sampling one of them ends the answer
  std::vector<TokenId> shown_ids;   // control tokens that are text
  int64_t max_size = 0;             // of prompt and answer together
  Priority priority = Priority::interactive;
  Pooling pooling = Pooling::none;
  bool normalizes = true;
  std::shared_ptr<const LoraAdapter> adapter;  // null: none
  float adapter_scale = 1;
  std::shared_ptr<const Rope> rope;  // null: the model's
  ReceiptHead receipt;
  int64_t score_from = 0;   // tokens of the prompt before it are not scored
  std::string fingerprint;  // what else than its tokens decides its keys and values
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
  // Whether those of this position are, to score the prompt's next token.
  bool wants_score(int64_t position) const {
    return scores_prompt() && position >= scored_count_ && position + 1 < prompt_count_;
  }
  bool scores_prompt() const { return sampling_.params.prompt_logprobs >= 0; }
  // Whether the final hidden state of this position is, for the embedding.
  bool wants_hidden(int64_t position) const;
  // Positions that others may have computed; of the rest something is wanted.
  int64_t reusable_count() const;

  // Its first step is near.
  void start();

  // Blocks of the KV cache for its first positions, each of the cache's block size.
  const std::vector<BlockId>& blocks() const { return blocks_; }
  void add_block(BlockId block) { blocks_.push_back(block); }
  void set_block(size_t i, BlockId block) { blocks_[i] = block; }
  // Everything is to be computed anew.
  std::vector<BlockId> take_blocks();

  // Of its full blocks: what they are known by (prefix_cache.h), and how many others can find.
  std::vector<PrefixKey>& keys() { return keys_; }
  const std::vector<PrefixKey>& keys() const { return keys_; }
  int64_t kept_count() const { return kept_count_; }
  void set_kept_count(int64_t count) { kept_count_ = count; }

  Priority priority() const { return priority_; }
  SequenceAdapter adapter() const { return {adapter_.get(), adapter_scale_}; }
  const Rope* rope() const { return rope_.get(); }
  const std::string& fingerprint() const { return fingerprint_; }
  // The key before its first block, of the fingerprint.
  const PrefixKey& root_key() const { return root_key_; }
  void set_root_key(const PrefixKey& key) { root_key_ = key; }

  void count_preemption() { ++stats_.preemption_count; }
  // As RequestStats has it; its caller sees it at once.
  void set_queue_position(int64_t position);

  // The keys and values of `count` more positions were found in the cache.
  void skip(int64_t count);
  // `count` more positions are computed.
  void advance(int64_t count);
  // A sequence that wants no token is at its end when all are computed.
  void finish_if_computed();
  // The score of the prompt's token after `position`, or why there is none; in ascending order.
  void append_score(int64_t position, const SampledToken& token);
  // The final hidden state of a position; in ascending order.
  void append_hidden(int64_t position, std::span<const float> state);
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
  void add_receipt();

  std::shared_ptr<OutputStream> stream_ = std::make_shared<OutputStream>();
  std::vector<TokenId> tokens_;
  int64_t prompt_count_;
  int64_t max_size_;
  Priority priority_;
  Pooling pooling_;
  bool normalizes_;
  std::shared_ptr<const LoraAdapter> adapter_;
  float adapter_scale_;
  std::shared_ptr<const Rope> rope_;
  ReceiptHead receipt_;
  std::string fingerprint_;
  PrefixKey root_key_{};
  int64_t computed_count_ = 0;
  int64_t most_computed_count_ = 0;  // before it was put back, too
  std::vector<BlockId> blocks_;
  std::vector<PrefixKey> keys_;
  int64_t kept_count_ = 0;
  std::vector<double> pooled_;  // sum of the hidden states so far
  int64_t pooled_count_ = 0;
  int64_t scored_count_ = 0;  // positions whose logits have scored the next token
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
