// The model in this program: its file, its template, and an engine for as long as it is loaded.
#pragma once

#include <memory>

#include "api/opened_model.h"
#include "apps/cli/answerer.h"
#include "apps/cli/conversation.h"
#include "engine/engine.h"

namespace sparrow::cli {

class OwnEngine final : public Answerer {
 public:
  // Opens the model without its weights, and says on stderr where its template is not its own.
  // `options` without context and identity. `store`, which outlives this, is where it is saved.
  // Throws what open_model() throws.
  OwnEngine(Store& store, StoredModel stored, engine::EngineOptions options);

  const ModelFacts& facts() const override { return facts_; }
  std::string place() const override { return {}; }
  std::vector<std::pair<std::string, std::string>> details() const override;
  void check_fits(const Question& question, int64_t context_tokens) const override;
  LoadedContext load(int64_t context_tokens) override;
  bool is_loaded() const override { return engine_ != nullptr; }
  void unload() override { engine_.reset(); }
  Answer answer(const Question& question, const AnswerSink& sink,
                const InterruptScope* interrupts) override;
  void save(const std::string& name, const SavedLayers& layers) override;
  std::vector<ListedModel> list() const override { return models_of(store_); }

 private:
  FittedPrompt fit(const Question& question, int64_t context_tokens) const;
  AnswerToken token_text(const OutputToken& token) const;

  Store& store_;
  engine::EngineOptions options_;
  OpenedModel model_;
  ModelFacts facts_;
  double open_s_ = 0;
  std::unique_ptr<engine::Engine> engine_;  // last: it goes first
};

}  // namespace sparrow::cli
