// A chat with one model: its messages, its parameters, and the engine that answers.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "api/opened_model.h"
#include "apps/cli/answer.h"
#include "apps/cli/chat_params.h"
#include "apps/cli/conversation.h"
#include "engine/engine.h"

namespace sparrow::cli {

// What flags and /set have chosen; it stays when another model is loaded.
struct ChatSettings {
  std::optional<std::string> system;
  engine::EngineOptions engine;  // context_length 0: what was saved with the model, else its own
  std::vector<std::pair<std::string, std::vector<std::string>>> parameters;  // name, values
  std::string receipt_path;                                                  // empty: none
  bool is_raw = false;
  bool is_verbose = false;
  bool wraps = true;
};

// "context 8,192 of 32,768 tokens: …".
std::string context_text(const engine::EnginePlan& plan);

// Used by one thread.
class ChatSession {
 public:
  // Opens the model without its weights. Throws what open_model() throws, and
  // Error{invalid_argument} for parameters that cannot be taken.
  ChatSession(StoredModel stored, const ChatSettings& settings);

  // Throws Error{context_full} for a first message that can fit no context this session may get;
  // quick, and before load() has taken its time.
  void check_fits(const std::string& message) const;

  // Loads the weights, and says on stderr if the context had to be reduced.
  void load();
  bool is_loaded() const { return engine_ != nullptr; }
  void unload();

  // The model's answer, written to standard output. Says on stderr what no longer fits. Throws
  // Error{invalid_argument|context_full|io}; the message is then not part of the talk.
  Answer ask(const std::string& message, const InterruptScope* interrupts);

  // Throws Error{invalid_argument}. The context loads the weights anew.
  void set_parameter(const std::string& name, const std::vector<std::string>& values);

  // Writes a manifest `name`: this model, the system message, the chosen parameters, the messages.
  void save(Store& store, const std::string& name) const;

  const OpenedModel& model() const { return model_; }
  const engine::EnginePlan& plan() const { return engine_->plan(); }
  const ChatParams& params() const { return params_; }
  const SamplingParams& model_params() const { return model_params_; }
  Conversation& conversation() { return conversation_; }
  ChatSettings& settings() { return settings_; }
  double load_s() const { return load_s_; }

 private:
  int64_t wanted_context() const;
  FittedPrompt fit(Conversation& conversation, int64_t context_tokens) const;

  ChatSettings settings_;
  OpenedModel model_;
  SamplingParams model_params_;
  ChatParams params_;
  Conversation conversation_;
  double open_s_ = 0;
  double load_s_ = 0;
  std::unique_ptr<engine::Engine> engine_;  // last: it goes first
};

}  // namespace sparrow::cli
