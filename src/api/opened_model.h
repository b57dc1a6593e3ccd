// A model without its weights: the file, what was read from it, and what the store adds.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "chat/chat_template.h"
#include "gguf/gguf_file.h"
#include "sparrow/chat.h"
#include "sparrow/engine.h"
#include "sparrow/generation.h"
#include "store/store.h"
#include "text/tokenizer.h"

namespace sparrow {

// Its name in the store; of a plain file, the file's.
std::string model_title(const StoredModel& stored);

// All but the weights: quick to have, and enough to know whether a prompt can be taken.
struct OpenedModel {
  StoredModel stored;
  std::shared_ptr<const GgufFile> file;
  std::shared_ptr<const Tokenizer> tokenizer;
  std::shared_ptr<const ChatTemplate> chat_template;

  std::string name() const { return model_title(stored); }
};

// The template is the manifest's if it has one, else the file's, else a built-in one.
// Throws Error{not_found|io|invalid_file|unsupported}.
OpenedModel open_model(StoredModel stored);

// Of the memory that an engine may take: see engine::EngineOptions.
struct MemoryLimits {
  std::function<int64_t(int64_t)> available_bytes;  // empty: what the machine has
  bool may_reduce_context = true;
};

// With its weights and an engine that runs.
std::shared_ptr<Engine> load_engine(OpenedModel model, const EngineOptions& options,
                                    const MemoryLimits& limits = {});

// What a loaded engine was opened from; lives as long as it does.
const OpenedModel& opened_model(const Engine& engine);

// The ids of a text that is its own template: control tokens in it count, and it begins as the
// tokenizer wants every text to begin.
std::vector<TokenId> encode_raw(const OpenedModel& model, const std::string& text);

// The longest context that `wanted` (0: not said) can become once the model is loaded, with its own
// RoPE scaling or this one.
int64_t longest_context(const OpenedModel& model, int64_t wanted,
                        const std::optional<RopeScaling>& rope_scaling = std::nullopt);

}  // namespace sparrow
