// What a caller wants generated. A value, never changed once submitted.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sparrow/error.h"
#include "sparrow/sampling_params.h"
#include "sparrow/version.h"

namespace sparrow {

// Whoever waits for an answer comes before what runs by itself.
enum class Priority { interactive, batch };

// How a prompt's final hidden states become one vector.
enum class Pooling {
  none,  // the request is for text
  mean,  // of all its tokens
  last,  // of the last token
  cls,   // of the first
};

// What becomes of a prompt that is too long. Nothing is dropped without being reported
// (RequestStats).
enum class ContextPolicy {
  error,        // refused, with the numbers
  drop_oldest,  // its first tokens go, but for what every prompt of the model begins with
  drop_middle,  // its beginning and its end stay
};
SPARROW_API std::string_view to_string(ContextPolicy policy);
// "error", "drop_oldest" or "drop_middle"; else Error{invalid_argument}.
SPARROW_API ContextPolicy parse_context_policy(std::string_view name);

// How positions are stretched, so that a model reads texts longer than those it was trained on:
// Hugging Face's rope_scaling. linear: Chen et al. 2023; yarn: Peng et al. 2023; llama3: as
// Llama 3.1 does.
enum class RopeScalingType { none, linear, yarn, llama3 };

struct RopeScaling {
  RopeScalingType type = RopeScalingType::none;
  double factor = 1;                    // how many times longer, at least 1
  int64_t original_context_length = 0;  // that the model was trained on; 0: the file's
  double attention_factor = 0;          // yarn: of cosines and sines; 0: 0.1 ln(factor) + 1
  double beta_fast = 32;                // yarn: channels that turn more often stay as they are
  double beta_slow = 1;                 // yarn: those that turn less often are stretched in full
  double low_freq_factor = 1;           // llama3: the same by turns of the original context
  double high_freq_factor = 4;

  bool operator==(const RopeScaling&) const = default;
};
// "none", "linear:4", "yarn:4", "yarn:4:32768" (the original context), or a JSON object with
// Hugging Face's names: {"rope_type": "yarn", "factor": 4, "original_max_position_embeddings":
// 32768}. Throws Error{invalid_argument} for what is none of these and for values outside their
// ranges.
SPARROW_API RopeScaling parse_rope_scaling(std::string_view text);
// As that JSON object, with all that counts for its type.
SPARROW_API std::string to_string(const RopeScaling& scaling);

// What the last delta of an answer says about how it was made (docs/receipts.md).
enum class ReceiptKind {
  none,
  digests,  // of model, template, prompt and answer
  full,     // the ids of prompt and answer too: enough to make it again
};

struct Request {
  std::vector<int32_t> prompt;  // token ids, at least one, each inside the vocabulary
  SamplingParams params;
  Priority priority = Priority::interactive;
  int64_t context_length = 0;  // of this request, prompt and answer together; 0: the engine's
  // A prompt that leaves no room for max_tokens, or for a quarter of the context where that is
  // less, is cut so that it does.
  ContextPolicy context_policy = ContextPolicy::error;
  std::optional<RopeScaling> rope_scaling;  // nothing: the engine's
  std::string adapter;              // a name given to Engine::load_adapter; empty: the base model
  float adapter_scale = 1;          // finite
  Pooling pooling = Pooling::none;  // any other: an embedding instead of an answer
  bool normalize = true;            // the embedding to length 1
  // prompt_logprobs are of the prompt's tokens from this one on; what is before may come from the
  // cache.
  int64_t score_from = 0;
  ReceiptKind receipt = ReceiptKind::none;
  // Control tokens that stand in the answer's text, such as those that tool calls are written with.
  // Others do not.
  std::vector<int32_t> shown_tokens;
};

enum class FinishReason { none, stop, length, cancelled, error };
SPARROW_API std::string_view to_string(FinishReason reason);

// Of the raw softmax over the whole vocabulary, before penalties, temperature and filters.
struct TokenLogprob {
  int32_t id = 0;
  float logprob = 0;
};

// A token with its logprobs, if they were asked for.
struct OutputToken {
  int32_t id = 0;
  float logprob = 0;
  int64_t rank = 0;  // how many tokens were at least as likely; it is one of them
  std::vector<TokenLogprob> top;
};

// What has happened since the last read: whole characters, and at the end why it ended. Text that
// may still become a stop string is held back, so tokens may run ahead of their text.
struct TextDelta {
  std::string text;
  // Of the answer. The token that ended it, an end of generation or one of stop_token_ids, is none.
  std::vector<OutputToken> tokens;
  // Of the prompt from its second token on, with prompt_logprobs; all come before the answer.
  std::vector<OutputToken> prompt_tokens;
  std::vector<float> embedding;  // with pooling, in the last delta
  FinishReason finish_reason = FinishReason::none;
  std::string error;                           // when finish_reason is error
  ErrorCode error_code = ErrorCode::internal;  // of that error
  std::string receipt;                         // in the last delta, if asked for: a JSON object
  std::string stop_string;                     // the stop string that ended it, if one did
  int32_t stop_token = -1;                     // the token that ended it, if one did
};

// Times in seconds and counts of one request, complete when it has finished.
struct RequestStats {
  int64_t prompt_tokens = 0;     // that were read
  int64_t dropped_begin = 0;     // from which on the policy dropped tokens of the prompt
  int64_t dropped_tokens = 0;    // and how many
  int64_t cached_tokens = 0;     // of the prompt, found in the cache
  int64_t preemption_count = 0;  // times it gave its memory to others and was computed anew
  int64_t output_tokens = 0;
  int64_t queue_position = 0;  // 1: the next to run; 0: it runs, or has
  double queue_s = 0;
  double prefill_s = 0;
  double decode_s = 0;
  int64_t seed = 0;
};

// Between two steps of the engine.
struct EngineStats {
  int64_t waiting_count = 0;
  int64_t running_count = 0;
  int64_t block_count = 0;  // of the KV cache
  int64_t free_block_count = 0;
  int64_t cached_block_count = 0;  // kept for the next prompt that begins alike; they give way
  int64_t preemption_count = 0;    // times a running request gave its blocks back
  int64_t adapter_bytes = 0;       // of the adapters that are loaded
  // Since loading.
  int64_t step_count = 0;
  int64_t computed_rows = 0;  // tokens that went through the model
  double step_s = 0;          // in steps, of which
  double forward_s = 0;       // in the model
};

}  // namespace sparrow
