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

std::vector<Message> Conversation::seen_from(size_t first) const {
  std::vector<Message> seen;
  if (!system_.empty()) {
    Message message;
    message.role = "system";
    message.content = system_;
    seen.push_back(std::move(message));
  }
  seen.insert(seen.end(), messages_.begin() + static_cast<std::ptrdiff_t>(first), messages_.end());
  return seen;
}

FittedPrompt Conversation::fit(const ContextRoom& room, const Encode& encode) {
  SPARROW_CHECK(!messages_.empty());
  const int64_t limit = room.context_tokens - room.answer_tokens;
  size_t first = first_seen_;
  for (;;) {
    FittedPrompt prompt;
    prompt.ids = encode(seen_from(first));
    const auto count = static_cast<int64_t>(prompt.ids.size());
    // A turn begins with a user's message: many templates want one first.
    size_t next = first + 1;
    while (next < messages_.size() && messages_[next].role != "user") ++next;
    const bool is_last = next >= messages_.size();
    if (count <= limit || (is_last && count < room.context_tokens)) {
      prompt.newly_dropped = static_cast<int64_t>(first - first_seen_);
      first_seen_ = first;
      return prompt;
    }
    if (is_last) {
      fail(ErrorCode::context_full,
           "the message{} has {} tokens in the model's template, and the context has {}; --context "
           "makes it larger, up to the model's",
           system_.empty() ? "" : " and the system message", grouped(count),
           grouped(room.context_tokens));
    }
    first = next;
  }
}

int64_t answer_room(int64_t context_tokens, int64_t max_tokens) {
  constexpr int64_t kLongest = 1024;
  const int64_t room = std::min(kLongest, context_tokens / 8);
  return max_tokens < 0 ? room : std::min(room, max_tokens);
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
