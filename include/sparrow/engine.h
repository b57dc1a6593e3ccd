// A loaded model that answers: the way in for applications.
//
//   auto engine = sparrow::Engine::load("qwen3-4b-instruct-2507");
//   auto stream = engine->submit({.prompt = engine->encode_chat({.messages = {{"user", "你好"}}}),
//                                 .params = engine->default_sampling()});
//   while (auto delta = stream->next()) std::cout << delta->text << std::flush;
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sparrow/chat.h"
#include "sparrow/generation.h"
#include "sparrow/output_stream.h"
#include "sparrow/sampling_params.h"
#include "sparrow/version.h"

namespace sparrow {

// What is going on while a model is pulled and loaded.
struct LoadProgress {
  std::string status;  // "pulling from huggingface.co", "loading"
  uint64_t completed_bytes = 0;
  uint64_t total_bytes = 0;  // 0: unknown
};

struct EngineOptions {
  // Of one request, prompt and answer together, in tokens. 0: what was saved with the model, else
  // the model's, at most 32,768, less where memory does not hold it.
  int64_t context_length = 0;
  std::string kv_cache_type = "f16";  // f32, f16, bf16, q8_0 or q4_0
  // For the keys and values of all requests. 0: half of the memory that is free beside the weights,
  // at least one context.
  int64_t kv_cache_bytes = 0;
  int64_t max_sequences = 32;        // running at once, 1 to 1,024; others wait
  int thread_count = 0;              // 0: one a physical core this process may use
  std::string activations = "auto";  // of matrix products: auto, f32 (the reference) or quantized
  int64_t prefill_chunk = 256;       // most tokens of prompts that one step reads
  // In place of the file's; makes the model's context `factor` times the original one. Nothing: the
  // file's.
  std::optional<RopeScaling> rope_scaling;
  bool may_pull = true;  // a model of the catalog that is not here is downloaded
  // Called from the thread that loads, often; false stops with Error{cancelled}.
  std::function<bool(const LoadProgress&)> on_progress;
};

struct EngineInfo {
  std::string name;          // in the store; of a plain file, the file's
  std::string path;          // of the weights
  std::string architecture;  // "qwen3"
  int64_t vocabulary_size = 0;
  int64_t context_length = 0;        // of one request
  int64_t model_context_length = 0;  // what the model can do
  bool is_context_reduced = false;   // by memory, not by the model or the options
  int64_t weight_bytes = 0;
  int64_t workspace_bytes = 0;  // of a step
  int64_t available_bytes = 0;  // memory that was free when it was loaded
  int64_t kv_cache_bytes = 0;
  int64_t kv_cache_tokens = 0;  // that these hold
  std::string kv_cache_type;
  int32_t bos_token = -1;  // as the file names them; -1: it names none
  int32_t eos_token = -1;
  std::vector<int32_t> control_tokens;  // that stand for no text
  std::string chat_template;            // the Jinja source that encode_chat uses
};

// Of given tokens, each after what stands before it.
struct Likelihood {
  double logprob = 0;     // the sum, in nats
  bool is_greedy = true;  // each was the likeliest
  std::vector<OutputToken> tokens;
};

// An answer made again from its receipt.
struct Replay {
  bool is_same = false;           // token for token
  int64_t first_difference = -1;  // among the tokens; -1: none, or the receipt holds no tokens
  // What is otherwise than when the receipt was made and may decide bits: another instruction set,
  // cache type or version.
  std::vector<std::string> differences;
  std::string text;
  std::string receipt;  // of this time
};

// Thread-safe. Owns a thread that computes; destroying the engine ends what is in flight as
// cancelled.
class SPARROW_API Engine {
 public:
  // `model`: a .gguf file, a name in the store, a name or alias of the catalog, a hub's id of a
  // model there, hf.co/USER/REPOSITORY:QUANTIZATION, or "default". Throws
  // Error{not_found|invalid_argument|invalid_file|unsupported|out_of_memory|network|io|cancelled}.
  static std::shared_ptr<Engine> load(const std::string& model, const EngineOptions& options = {});
  ~Engine();

  // A LoRA adapter in a GGUF file, for requests to name; one of the same name is replaced for
  // requests to come. Requests in flight keep theirs. Throws
  // Error{not_found|invalid_file|unsupported|out_of_memory}, the last before memory is taken.
  void load_adapter(const std::string& name, const std::string& path);
  void unload_adapter(const std::string& name);

  // Queues a request. Requests that begin alike share what is computed of it. Throws
  // Error{invalid_argument|context_full} with the value and what would be right.
  std::shared_ptr<OutputStream> submit(Request request);

  // How likely the model finds `continuation` after `context`; both hold at least one token. Waits
  // for the result, as the next two do. Throws what submit throws, and
  // Error{invalid_file|cancelled}.
  Likelihood log_likelihood(std::span<const int32_t> context,
                            std::span<const int32_t> continuation);
  // The probabilities of at least two labels among themselves, by their log likelihoods after the
  // prompt: "yes" and "no" judge a statement, or rank a document (Qwen3-Reranker does so).
  std::vector<double> classify(std::span<const int32_t> prompt,
                               std::span<const std::vector<int32_t>> labels);
  // Runs the request of a receipt once more. `prompt`: its ids, where the receipt is not a full
  // one. Throws Error{invalid_argument} for another model, another prompt, or what is no receipt.
  Replay replay(std::string_view receipt, std::vector<int32_t> prompt = {});

  // The ids of a text in which control tokens count, as in vLLM, with the BOS that the model's
  // tokenizer puts in front unless the text has it. `is_plain`: control tokens are text like any
  // other, and nothing is put in front.
  std::vector<int32_t> encode(std::string_view text, bool is_plain = false) const;
  // The ids of a conversation, by the model's template, up to where the answer begins. Throws
  // Error{invalid_argument} for what the template refuses.
  std::vector<int32_t> encode_chat(const ChatRequest& request) const;
  // The same from JSON, as Hugging Face's templates and OpenAI's API have it: an object of
  // messages, tools, add_generation_prompt, continue_final_message, chat_template,
  // chat_template_kwargs. Whatever else a message holds reaches the template.
  std::vector<int32_t> encode_chat_json(std::string_view request) const;
  // Control tokens are left out unless `with_control`. Throws Error{invalid_argument} for an id
  // outside the vocabulary.
  std::string decode(std::span<const int32_t> ids, bool with_control = false) const;

  // What no request uses of the cached prefixes is free from now on. False: requests in flight
  // share some, which stay. Waits for the step at hand.
  bool reset_prefix_cache();

  // What this model is best used with: of its file, the catalog, or saved with it.
  SamplingParams default_sampling() const;
  // Ids that end an answer.
  std::vector<int32_t> end_of_generation() const;

  const EngineInfo& info() const;
  EngineStats stats() const;

 private:
  friend const struct OpenedModel& opened_model(const Engine& engine);
  friend std::shared_ptr<Engine> load_engine(struct OpenedModel model, const EngineOptions& options,
                                             const struct MemoryLimits& limits);
  struct Impl;
  explicit Engine(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace sparrow
