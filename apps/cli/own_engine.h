// The model in this program: its file, its template, and an engine for as long as it is loaded.
#pragma once

#include <memory>

#include "api/opened_model.h"
#include "apps/cli/answerer.h"
#include "apps/cli/conversation.h"
#include "sparrow/model_pool.h"

namespace sparrow::cli {

class OwnEngine final : public Answerer {
 public:
  // Opens the model without its weights, and says on stderr where its template is not its own.
  // `options` without context. Its engine is of `pool`; `store` is where it is saved; both outlive
  // this. Throws what open_model() throws.
  OwnEngine(Store& store, ModelPool& pool, StoredModel stored, EngineOptions options);

  const ModelFacts& facts() const override { return facts_; }
  std::string place() const override { return {}; }
  std::vector<std::pair<std::string, std::string>> details() const override;
  void check_fits(const Question& question, int64_t context_tokens) const override;
  LoadedContext load(int64_t context_tokens) override;
  bool is_loaded() const override { return engine_ != nullptr; }
  void unload() override;
  Answer answer(const Question& question, const AnswerSink& sink,
                const InterruptScope* interrupts) override;
  void save(const std::string& name, const SavedLayers& layers) override;
  std::vector<ListedModel> list() const override { return models_of(store_); }

 private:
  FittedPrompt fit(const Question& question, int64_t context_tokens) const;
  AnswerToken token_text(const OutputToken& token) const;

  Store& store_;
  ModelPool& pool_;
  EngineOptions options_;
  OpenedModel model_;
  ModelFacts facts_;
  double open_s_ = 0;
  std::shared_ptr<Engine> engine_;  // null: it is not loaded
};

}  // namespace sparrow::cli
