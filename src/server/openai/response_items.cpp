#include "server/openai/response_items.h"

#include "base/error.h"
#include "server/openai/dialect.h"
#include "server/wire.h"

namespace sparrow::openai {
namespace {

constexpr size_t kMostItems = 4096;

// Calls and reasoning come as items of their own, and belong to one message of the assistant.
class Conversation {
 public:
  void add(const Json& item, const std::string& path) {
    const JsonFields fields(item, path);
    const std::string type = fields.text("type").value_or("message");
    if (type == "message") {
      add_message(fields);
    } else if (type == "function_call") {
      add_call(fields);
    } else if (type == "function_call_output") {
      add_output(fields);
    } else if (type == "reasoning") {
      add_reasoning(fields);
    } else {
      fail(ErrorCode::unsupported,
           "{} must be message, function_call, function_call_output or reasoning, got {}",
           fields.path_of("type"), type);
    }
  }

  std::vector<Message> take() { return std::move(messages_); }

 private:
  void add_message(const JsonFields& fields) {
    Message message;
    message.role = fields.required_text("role");
    if (message.role == "developer") message.role = "system";
    const Json* content = fields.find("content");
    if (content != nullptr) message.content = content_text(*content, fields.path_of("content"));
    if (message.role == "assistant") message.reasoning = std::exchange(reasoning_, {});
    messages_.push_back(std::move(message));
  }

  void add_call(const JsonFields& fields) {
    if (messages_.empty() || messages_.back().role != "assistant") {
      messages_.push_back({.role = "assistant", .content = {}});
      messages_.back().reasoning = std::exchange(reasoning_, {});
    }
    messages_.back().tool_calls.push_back({.id = fields.required_text("call_id"),
                                           .name = fields.required_text("name"),
                                           .arguments = fields.text("arguments").value_or("{}")});
  }

  void add_output(const JsonFields& fields) {
    Message message;
    message.role = "tool";
    message.tool_call_id = fields.required_text("call_id");
    const Json* output = fields.find("output");
    if (output != nullptr) message.content = content_text(*output, fields.path_of("output"));
    messages_.push_back(std::move(message));
  }

  void add_reasoning(const JsonFields& fields) {
    const Json* content = fields.list("content");
    if (content == nullptr) return;
    for (size_t i = 0; i < content->size(); ++i) {
      const JsonFields part((*content)[i], fmt::format("{}[{}]", fields.path_of("content"), i));
      reasoning_ += part.text("text").value_or("");
    }
  }

  std::vector<Message> messages_;
  std::string reasoning_;  // of the assistant's message that comes next
};

}  // namespace

std::vector<Message> parse_input(const JsonFields& request) {
  const Json* input = request.find("input");
  if (input == nullptr) fail(ErrorCode::invalid_argument, "input is required");
  if (input->is_string()) return {{.role = "user", .content = input->get<std::string>()}};
  if (!input->is_array()) request.refuse("input", "a string or a list of items", *input);
  if (input->empty() || input->size() > kMostItems) {
    fail(ErrorCode::invalid_argument, "input must hold 1 to {} items, got {}", kMostItems,
         input->size());
  }
  Conversation conversation;
  for (size_t i = 0; i < input->size(); ++i)
    conversation.add((*input)[i], fmt::format("input[{}]", i));
  return conversation.take();
}

std::vector<Tool> parse_response_tools(const JsonFields& request) {
  const Json* tools = request.list("tools");
  const Json* choice = request.find("tool_choice");
  if (choice != nullptr && *choice != "auto" && *choice != "none") {
    fail(ErrorCode::unsupported,
         "tool_choice must be auto or none for now: a required or named tool needs constrained "
         "decoding, which comes with a later version");
  }
  if (tools == nullptr) return {};
  Json functions = Json::array();
  for (size_t i = 0; i < tools->size(); ++i) {
    const JsonFields tool((*tools)[i], fmt::format("tools[{}]", i));
    const std::string type = tool.required_text("type");
    if (type != "function")
      fail(ErrorCode::unsupported, "{} must be function, got {}", tool.path_of("type"), type);
    tool.required_text("name");
    if (tool.boolean("strict").value_or(false)) {
      fail(ErrorCode::unsupported,
           "{} must be false for now: it needs constrained decoding, which comes with a later "
           "version",
           tool.path_of("strict"));
    }
    functions.push_back({{"type", "function"}, {"function", (*tools)[i]}});
  }
  const std::vector<Tool> parsed = parse_tools(functions);
  return choice != nullptr && *choice == "none" ? std::vector<Tool>{} : parsed;
}

}  // namespace sparrow::openai
