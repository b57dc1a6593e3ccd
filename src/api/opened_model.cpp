#include "api/opened_model.h"

#include <algorithm>
#include <filesystem>

#include "base/error.h"
#include "model/rope_scaling.h"

namespace sparrow {

std::string model_title(const StoredModel& stored) {
  if (!stored.digest.empty()) return stored.name.short_text();
  return std::filesystem::path(stored.model_path).filename();
}

OpenedModel open_model(StoredModel stored) {
  OpenedModel model;
  model.stored = std::move(stored);
  model.file = GgufFile::open(model.stored.model_path);
  read_model_config(*model.file);  // what cannot run is said before the vocabulary is read
  model.tokenizer = Tokenizer::from_gguf(*model.file);
  if (model.stored.chat_template) {
    model.chat_template =
        ChatTemplate::from_source(*model.stored.chat_template, model.tokenizer.get());
  } else {
    model.chat_template = ChatTemplate::from_gguf(*model.file, *model.tokenizer);
  }
  return model;
}

std::vector<TokenId> encode_raw(const OpenedModel& model, const std::string& text) {
  return model.tokenizer->with_prefix(model.tokenizer->encode(text, true));
}

int64_t longest_context(const OpenedModel& model, int64_t wanted,
                        const std::optional<RopeScaling>& rope_scaling) {
  constexpr int64_t kDefaultContext = 32768;  // EngineOptions::context_length
  if (wanted > 0) return wanted;
  ModelConfig config = read_model_config(*model.file);
  if (rope_scaling) config = with_rope_scaling(std::move(config), *rope_scaling);
  return std::min(config.context_length, kDefaultContext);
}

}  // namespace sparrow
