#include "apps/cli/opened_model.h"

#include <algorithm>
#include <cstdio>
#include <filesystem>

#include "apps/cli/numbers.h"
#include "apps/cli/progress_bar.h"
#include "base/error.h"
#include "base/memory_info.h"
#include "model/model.h"

namespace sparrow::cli {

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
  if (model.chat_template->is_built_in()) {
    std::fprintf(stderr, "The file has no chat template; using the built-in '%s'.\n",
                 model.chat_template->built_in_name().c_str());
  }
  return model;
}

std::vector<TokenId> encode_chat(const OpenedModel& model, const std::vector<Message>& messages) {
  TemplateInput input;
  input.messages = to_json(messages);
  return model.chat_template->encode(input, *model.tokenizer);
}

std::vector<TokenId> encode_raw(const OpenedModel& model, const std::string& text) {
  std::vector<TokenId> ids = model.tokenizer->encode(text, true);
  const std::vector<TokenId> prefix = model.tokenizer->prefix();
  const bool has_prefix =
      ids.size() >= prefix.size() && std::equal(prefix.begin(), prefix.end(), ids.begin());
  if (!has_prefix) ids.insert(ids.begin(), prefix.begin(), prefix.end());
  return ids;
}

int64_t longest_context(const OpenedModel& model, int64_t wanted) {
  constexpr int64_t kDefaultContext = 32768;  // EngineOptions::context_length
  const int64_t models = read_model_config(*model.file).context_length;
  return wanted > 0 ? wanted : std::min(models, kDefaultContext);
}

std::unique_ptr<engine::Engine> load_engine(const OpenedModel& model,
                                            const engine::EngineOptions& options) {
  Spinner spinner("loading " + model.name());
  std::unique_ptr<engine::Engine> engine =
      engine::Engine::load(model.file, model.tokenizer, options);
  engine->start();
  return engine;
}

std::string context_text(const engine::EnginePlan& plan) {
  if (!plan.is_reduced) return fmt::format("context {} tokens", grouped(plan.context_length));
  return fmt::format("context {} of {} tokens, for the weights take {} and {} of memory were free",
                     grouped(plan.context_length), grouped(plan.model_context_length),
                     format_bytes(plan.weight_bytes), format_bytes(plan.available_bytes));
}

}  // namespace sparrow::cli
