// Owns a loaded model and its KV cache, and turns requests into streams of text.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "backend/backend.h"
#include "base/json.h"
#include "base/memory_info.h"
#include "model/model.h"
#include "sparrow/generation.h"
#include "sparrow/output_stream.h"
#include "text/tokenizer.h"

namespace sparrow::engine {

struct EngineOptions {
  // Of one request, prompt and answer together. 0: the model's, at most 32,768, less where memory
  // does not hold it.
  int64_t context_length = 0;
  KvType kv_type = KvType::f16;
  // For the keys and values of all requests. 0: half of the memory that is free beside the weights,
  // at least one context, at most max_sequences of them. Taken from the system as it is needed.
  int64_t kv_cache_bytes = 0;
  int64_t max_sequences = 32;  // running at once
  int thread_count = 0;        // 0: the backend decides
  ActivationMode activations = ActivationMode::automatic;
  int64_t prefill_chunk = 256;              // tokens of a prompt computed in one step
  std::optional<RopeScaling> rope_scaling;  // in place of the file's
  // Memory that is free beside so many bytes of its cache that the engine has not taken yet. Asked
  // before anything is loaded, from the thread that loads it.
  std::function<int64_t(int64_t)> available_bytes = [](int64_t promised_bytes) {
    return available_memory_bytes() - promised_bytes;
  };
  bool may_reduce_context = true;  // false: Error{out_of_memory} where memory does not hold it
  // Of the model, for receipts: the members model and template. Called when the first is asked for,
  // from any thread.
  std::function<Json()> identity;
  std::function<void(double)> on_progress;  // loading, 0 to 1
};

// What was planned from the options, the model and the machine's memory; the CLI states it at
// start.
struct EnginePlan {
  int64_t context_length = 0;
  int64_t model_context_length = 0;
  int64_t weight_bytes = 0;
  int64_t kv_bytes = 0;
  int64_t kv_tokens = 0;        // that these hold
  int64_t workspace_bytes = 0;  // of a step
  int64_t available_bytes = 0;  // memory that was free when it was planned
  bool is_reduced = false;      // memory, not the model, set context_length
};

class Engine {
 public:
  // Throws Error{invalid_argument|invalid_file|unsupported|out_of_memory}.
  static std::unique_ptr<Engine> load(std::shared_ptr<const GgufFile> file,
                                      std::shared_ptr<const Tokenizer> tokenizer,
                                      const EngineOptions& options = {});
  ~Engine();

  // Any thread. Loads a LoRA adapter (model/lora.h) for requests to name; one of the same name is
  // replaced, for requests that come. Throws what load_lora throws; Error{out_of_memory} comes with
  // the numbers, before memory is taken.
  void load_adapter(const std::string& name, const GgufFile& file);
  // Requests in flight keep it. Throws Error{not_found}.
  void unload_adapter(const std::string& name);

  // What a receipt says of this model and engine: the members model, template and engine. Any
  // thread; the first time it may read the whole file.
  Json origin() const;

  // Any thread. Checks the request (Error{invalid_argument|context_full} with the numbers), then
  // queues it.
  std::shared_ptr<OutputStream> submit(Request request);

  // Runs one step: one forward pass over whoever is due. False if there was nothing to do.
  // Either the caller steps, from one thread, or start() does it on the engine's own.
  bool step();
  void start();
  // After the step at hand; requests in flight stay, and go on with the next step. Destroying the
  // engine ends them as cancelled.
  void stop();

  // Any thread, or, before start(), the one that steps: what no request uses of the cache becomes
  // free, between two steps; waits for that. True: nothing is cached any more.
  bool reset_prefix_cache();

  // Any thread: as of the end of the last step, with what has come to wait and was loaded since.
  EngineStats stats() const;
  // From the thread that steps.
  void check() const;  // Verifies the invariants; aborts on a bug. Tests call it after every step.

  const EnginePlan& plan() const;
  const Model& model() const;
  const Tokenizer& tokenizer() const;

 private:
  struct Impl;
  explicit Engine(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace sparrow::engine
