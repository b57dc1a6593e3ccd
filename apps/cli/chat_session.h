// A chat with one model: its messages and its parameters, over whatever answers.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "apps/cli/answerer.h"
#include "apps/cli/chat_params.h"
#include "apps/cli/conversation.h"

namespace sparrow::cli {

// What flags and /set have chosen; it stays when another model is loaded.
struct ChatSettings {
  std::optional<std::string> system;
  int64_t context = 0;  // 0: what was saved with the model, else its own
  std::vector<std::pair<std::string, std::vector<std::string>>> parameters;  // name, values
  std::string receipt_path;                                                  // empty: none
  bool is_raw = false;
  bool is_verbose = false;
  bool wraps = true;
};

// Used by one thread.
class ChatSession {
 public:
  // Throws Error{invalid_argument} for parameters that cannot be taken.
  ChatSession(std::unique_ptr<Answerer> answerer, const ChatSettings& settings);

  // Throws Error{context_full} for a first message that can fit no context this session may get;
  // quick, and before load() has taken its time.
  void check_fits(const std::string& message) const;

  void load();
  bool is_loaded() const { return answerer_->is_loaded(); }
  void unload() { answerer_->unload(); }

  // The model's answer, written to standard output. Says on stderr what no longer fits. Throws
  // what Answerer::answer() throws; the message is then not part of the talk.
  Answer ask(const std::string& message, const InterruptScope* interrupts);

  // Throws Error{invalid_argument}. The context loads the model anew.
  void set_parameter(const std::string& name, const std::vector<std::string>& values);

  // As a model `name`: this one, the system message, the chosen parameters, the messages.
  void save(const std::string& name) const;

  const Answerer& answerer() const { return *answerer_; }
  const ModelFacts& model() const { return answerer_->facts(); }
  std::string context_text() const;  // of a session that is loaded
  bool is_context_less() const { return !context_.why_less.empty(); }
  const ChatParams& params() const { return params_; }
  Conversation& conversation() { return conversation_; }
  const Conversation& conversation() const { return conversation_; }
  ChatSettings& settings() { return settings_; }
  double load_s() const { return context_.load_s; }

 private:
  Question question(const Conversation& conversation, const std::string& message) const;

  ChatSettings settings_;
  ChatParams params_;
  Conversation conversation_;
  LoadedContext context_;
  std::unique_ptr<Answerer> answerer_;
};

}  // namespace sparrow::cli
