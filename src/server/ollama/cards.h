// How a model is described: in lists, in /api/show, and for what may be asked of it.
#pragma once

#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "api/opened_model.h"
#include "base/json.h"

namespace sparrow::ollama {

struct ModelCard {
  Json details;  // parent_model, format, family, families, parameter_size, quantization_level
  std::vector<std::string> capabilities;  // "completion", "tools", "insert", "thinking"
  int64_t context_length = 0;             // that the model can do
  int64_t embedding_length = 0;
};

// The one of a model that is open.
ModelCard make_card(const StoredModel& stored, const GgufFile& file,
                    const ChatTemplate& chat_template);

// Reads a file once and remembers what it said until the file changes. Thread-safe.
class ModelCards {
 public:
  // Of a file that cannot be read only what its manifest says.
  ModelCard of(const StoredModel& stored);

 private:
  std::mutex mutex_;
  std::map<std::string, ModelCard> cards_;
};

// Fill in the middle: the ids of a prompt that ends where the text between `prefix` and `suffix`
// begins. Empty if the vocabulary has no words for that.
std::vector<TokenId> infill_prompt(const Tokenizer& tokenizer, const std::string& prefix,
                                   const std::string& suffix);

}  // namespace sparrow::ollama
