#include "apps/cli/conversation.h"

#include <algorithm>

#include "apps/cli/numbers.h"
#include "base/error.h"

namespace sparrow::cli {

void Conversation::add(std::string role, std::string content) {
  Message message;
  message.role = std::move(role);
  message.content = std::move(content);
  messages_.push_back(std::move(message));
}

void Conversation::remove_last() {
  SPARROW_CHECK(!messages_.empty());
  messages_.pop_back();
  first_seen_ = std::min(first_seen_, messages_.size());
}

void Conversation::clear() {
  messages_.clear();
  first_seen_ = 0;
}

std::vector<Message> Conversation::seen() const {
  std::vector<Message> seen;
  if (!system_.empty()) {
    Message message;
    message.role = "system";
    message.content = system_;
    seen.push_back(std::move(message));
  }
  seen.insert(seen.end(), messages_.begin() + static_cast<std::ptrdiff_t>(first_seen_),
              messages_.end());
  return seen;
}

void Conversation::drop(int64_t count) {
  SPARROW_CHECK(count >= 0);
  first_seen_ = std::min(first_seen_ + static_cast<size_t>(count), messages_.size());
}

FittedPrompt fit_messages(const std::vector<Message>& seen, const ContextRoom& room,
                          const EncodeMessages& encode) {
  SPARROW_CHECK(!seen.empty());
  FittedPrompt prompt;
  const std::optional<int64_t> dropped =
      drop_turns(seen, room, [&](const std::vector<Message>& messages) {
        prompt.ids = encode(messages);
        return static_cast<int64_t>(prompt.ids.size());
      });
  if (!dropped) {
    const bool has_system = seen.front().role == "system";
    fail(ErrorCode::context_full,
         "the message{} has {} tokens in the model's template, and the context has {}; --context "
         "makes it larger, up to the model's",
         has_system ? " and the system message" : "", grouped(prompt.ids.size()),
         grouped(room.context_tokens));
  }
  prompt.dropped = *dropped;
  return prompt;
}

std::vector<Message> messages_from_json(const Json& json, const std::string& model) {
  std::vector<Message> messages;
  for (const Json& entry : json) {
    const auto text = [&](const char* field) {
      const auto found = entry.is_object() ? entry.find(field) : entry.end();
      if (found == entry.end() || !found->is_string()) {
        fail(ErrorCode::invalid_file,
             "a saved message of '{}' has no text '{}'; a message is {{\"role\", \"content\"}}",
             model, field);
      }
      return found->get<std::string>();
    };
    Message message;
    message.role = text("role");
    message.content = text("content");
    messages.push_back(std::move(message));
  }
  return messages;
}

Json messages_to_json(const std::vector<Message>& messages) {
  Json json = Json::array();
  for (const Message& message : messages) {
    json.push_back(Json{{"role", message.role}, {"content", message.content}});
  }
  return json;
}

}  // namespace sparrow::cli
