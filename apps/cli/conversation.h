// The messages of a chat, and which of them the model still sees once they outgrow its context.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/json.h"
#include "chat/context_fit.h"
#include "sparrow/chat.h"
#include "text/tokenizer.h"

namespace sparrow::cli {

class Conversation {
 public:
  void set_system_message(std::string text) { system_ = std::move(text); }
  const std::string& system_message() const { return system_; }

  void add(std::string role, std::string content);
  void remove_last();
  void clear();  // but for the system message
  bool is_empty() const { return messages_.empty(); }

  // All of them, without the system message.
  const std::vector<Message>& messages() const { return messages_; }
  // How many of the oldest the model no longer sees.
  int64_t dropped_count() const { return static_cast<int64_t>(first_seen_); }

  // The system message, if there is one, and those that are seen.
  std::vector<Message> seen() const;
  // So many more of the oldest are gone for good.
  void drop(int64_t count);

 private:
  std::string system_;
  std::vector<Message> messages_;
  size_t first_seen_ = 0;
};

struct FittedPrompt {
  std::vector<TokenId> ids;
  int64_t dropped = 0;  // messages
};

// The prompt's ids of these messages.
using EncodeMessages = std::function<std::vector<TokenId>(const std::vector<Message>&)>;

// The prompt for an answer to the last of `seen`. Where they leave no room, the oldest turns go,
// whole; a leading system message and the last turn stay. Throws Error{context_full} with the
// numbers if those two alone do not fit, and what `encode` throws.
FittedPrompt fit_messages(const std::vector<Message>& seen, const ContextRoom& room,
                          const EncodeMessages& encode);

// As the messages layer of a manifest has them. Throws Error{invalid_file} for another shape.
std::vector<Message> messages_from_json(const Json& json, const std::string& model);
Json messages_to_json(const std::vector<Message>& messages);

}  // namespace sparrow::cli
