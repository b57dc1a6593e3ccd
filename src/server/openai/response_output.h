// The items that an answer of /v1/responses consists of, and the events that tell of them.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "base/json.h"
#include "sparrow/chat.h"

namespace sparrow::openai {

// One thread. Items come one after the other: each is done before the next is added.
class ResponseOutput {
 public:
  // `emit`: given an event's type and its fields but for type and sequence_number.
  using Emit = std::function<void(std::string_view, Json)>;
  explicit ResponseOutput(Emit emit) : emit_(std::move(emit)) {}

  // `logprobs`: entries of the content's tokens.
  void add(const ChatDelta& gained, const Json& logprobs);
  // `status`: of the item that is open, "completed" or "incomplete". An answer of nothing is an
  // empty message.
  void finish(std::string_view status);

  const Json& items() const { return items_; }
  // What the conversation goes on with.
  const Message& message() const { return message_; }

 private:
  enum class Open { none, reasoning, message };

  void open(Open kind);
  void close(std::string_view status);
  void add_text(Open kind, const std::string& text, const Json& logprobs);
  void add_call(const ToolCall& call);
  int64_t open_index() const { return static_cast<int64_t>(items_.size()) - 1; }
  Json place() const;  // item_id, output_index, content_index of what is open

  Emit emit_;
  Json items_ = Json::array();
  Open open_ = Open::none;
  std::string text_;  // of the open part
  Json logprobs_ = Json::array();
  Message message_ = {.role = "assistant", .content = {}};
};

}  // namespace sparrow::openai
