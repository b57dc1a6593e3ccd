// A model of a running sparrow server, over its Ollama API (docs/ollama.md): it stays loaded there,
// and others use it too.
#pragma once

#include <memory>
#include <string>

#include "apps/cli/answerer.h"

namespace sparrow::cli {

class RunningServer final : public Answerer {
 public:
  // `keep_alive`: how long the model stays loaded after each answer, as the server reads it; empty:
  // as the server says. Throws Error{not_found} if it has no such model, Error{unsupported} if it
  // is too old, and what ask_server() throws.
  RunningServer(const std::string& model, std::string keep_alive);

  const ModelFacts& facts() const override { return facts_; }
  std::string place() const override;
  std::vector<std::pair<std::string, std::string>> details() const override;
  // The server says it, with the numbers of the context that it has.
  void check_fits(const Question&, int64_t) const override {}
  LoadedContext load(int64_t context_tokens) override;
  // It loads what is asked for whenever it has to.
  bool is_loaded() const override { return true; }
  void unload() override {}
  Answer answer(const Question& question, const AnswerSink& sink,
                const InterruptScope* interrupts) override;
  void save(const std::string& name, const SavedLayers& layers) override;
  std::vector<ListedModel> list() const override;

 private:
  Json loaded_entry() const;  // of /api/ps; null if it is not loaded

  std::string keep_alive_;
  ModelFacts facts_;
  int64_t context_tokens_ = 0;  // wanted of each request; 0: what the server has
};

}  // namespace sparrow::cli
