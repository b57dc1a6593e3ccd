// An engine on a tiny model that a test steps by hand, and requests for it.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/engine.h"
#include "gguf/gguf_file.h"
#include "model/rope_scaling.h"
#include "tests/support/tiny_model.h"

namespace sparrow::engine {

using Ids = std::vector<TokenId>;

struct Answer {
  std::string text;
  Ids ids;
  std::vector<OutputToken> tokens;
  std::vector<OutputToken> prompt_tokens;
  TextDelta last;
  RequestStats stats;
};

// An engine on a tiny model, with the file's bytes. Unless the options say otherwise, it runs on
// one thread, with a cache for one context.
class Rig {
 public:
  explicit Rig(const EngineOptions& options = {}, const char* architecture = "qwen2")
      : Rig(test_support::tiny_gguf(test_support::tiny_model(architecture)), options) {}
  Rig(std::vector<std::byte> bytes, const EngineOptions& options)
      : bytes_(std::move(bytes)), file_(GgufFile::parse(bytes_, "tiny")) {
    EngineOptions few = options;
    if (few.thread_count == 0) few.thread_count = 1;
    if (few.kv_cache_bytes == 0) {
      ModelConfig config = read_model_config(*file_);
      if (few.rope_scaling) config = with_rope_scaling(config, *few.rope_scaling);
      const int64_t tokens = few.context_length > 0 ? few.context_length : config.context_length;
      few.kv_cache_bytes = (tokens + 31) / 32 * 32 * kv_bytes_per_token(config, few.kv_type);
    }
    engine_ = Engine::load(file_, Tokenizer::from_gguf(*file_), few);
  }

  Engine& engine() { return *engine_; }
  void destroy_engine() { engine_.reset(); }

  std::shared_ptr<OutputStream> submit(const Ids& prompt, const SamplingParams& params) {
    return engine_->submit({prompt, params});
  }
  bool step() {
    const bool did_something = engine_->step();
    engine_->check();
    return did_something;
  }
  void run() {
    while (step()) {
    }
  }
  Answer run(const Ids& prompt, const SamplingParams& params) {
    const std::shared_ptr<OutputStream> stream = submit(prompt, params);
    run();
    return read(*stream);
  }

  static Answer read(OutputStream& stream) {
    Answer answer;
    while (std::optional<TextDelta> delta = stream.next()) {
      answer.text += delta->text;
      for (OutputToken& token : delta->tokens) {
        answer.ids.push_back(token.id);
        answer.tokens.push_back(std::move(token));
      }
      for (OutputToken& token : delta->prompt_tokens)
        answer.prompt_tokens.push_back(std::move(token));
      answer.last = std::move(*delta);
    }
    answer.stats = stream.stats();
    return answer;
  }

 private:
  std::vector<std::byte> bytes_;
  std::shared_ptr<const GgufFile> file_;
  std::unique_ptr<Engine> engine_;
};

inline int64_t used_blocks(const Engine& engine) {
  const EngineStats stats = engine.stats();
  return stats.block_count - stats.free_block_count - stats.cached_block_count;
}

inline Ids some_prompt(int64_t count, int64_t salt = 0) {
  Ids ids;
  for (int64_t i = 0; i < count; ++i)
    ids.push_back(static_cast<TokenId>((i * i * 31 + i * 7 + salt * 13 + 3) % 256));
  return ids;
}

inline SamplingParams greedy(int64_t max_tokens) {
  SamplingParams params;
  params.temperature = 0;
  params.max_tokens = max_tokens;
  params.ignore_eos = true;
  return params;
}

inline SamplingParams random_draws(int64_t max_tokens, int64_t seed) {
  SamplingParams params = greedy(max_tokens);
  params.temperature = 1;
  params.seed = seed;
  return params;
}

}  // namespace sparrow::engine
