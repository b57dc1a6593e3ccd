// Anthropic's messages as a conversation. One of its messages may become several: each result of a
// tool is a message of its own.
#include <map>

#include "base/error.h"
#include "server/anthropic/dialect.h"
#include "server/wire.h"

namespace sparrow::anthropic {
namespace {

// A string, or blocks of text one after another.
std::string block_text(const JsonFields& fields, std::string_view name) {
  const Json* content = fields.find(name);
  return content == nullptr ? "" : content_text(*content, fields.path_of(name));
}

// The messages so far, and the names of the tools that were called in them.
class Conversation {
 public:
  void add(const Json& message, const std::string& path) {
    const JsonFields fields(message, path);
    const std::string role = fields.required_text("role");
    if (role != "user" && role != "assistant")
      fail(ErrorCode::invalid_argument, "{}.role must be user or assistant, got {}", path, role);
    const Json* content = fields.find("content");
    if (content == nullptr) fail(ErrorCode::invalid_argument, "{}.content is required", path);
    if (content->is_string()) {
      messages.push_back({.role = role, .content = content->get<std::string>()});
      return;
    }
    if (!content->is_array())
      fields.refuse("content", "a string or a list of content blocks", *content);
    Message open{.role = role};
    bool is_open = role == "assistant" || content->empty();
    for (size_t i = 0; i < content->size(); ++i) {
      const JsonFields block((*content)[i], fmt::format("{}.content[{}]", path, i));
      const std::string type = block.required_text("type");
      if (type == "tool_result" && role == "user") {
        if (is_open) messages.push_back(std::exchange(open, {.role = role}));
        is_open = false;
        messages.push_back(tool_result(block));
        continue;
      }
      is_open = true;
      add_block(open, block, type);
    }
    if (is_open) messages.push_back(std::move(open));
  }

  std::vector<Message> messages;

 private:
  Message tool_result(const JsonFields& block) {
    const std::string id = block.required_text("tool_use_id");
    const auto name = tool_names_.find(id);
    if (name == tool_names_.end()) {
      fail(ErrorCode::invalid_argument, "{} is {}, and no tool_use before it has that id",
           block.path_of("tool_use_id"), id);
    }
    return {.role = "tool",
            .content = block_text(block, "content"),
            .tool_call_id = id,
            .name = name->second};
  }

  void add_block(Message& message, const JsonFields& block, const std::string& type) {
    const bool is_assistant = message.role == "assistant";
    if (type == "text") {
      message.content += block.required_text("text");
    } else if (type == "tool_use" && is_assistant) {
      const Json* input = block.object("input");
      ToolCall call = {.id = block.required_text("id"),
                       .name = block.required_text("name"),
                       .arguments = input != nullptr ? to_wire(*input) : "{}"};
      tool_names_[call.id] = call.name;
      message.tool_calls.push_back(std::move(call));
    } else if (type == "thinking" && is_assistant) {
      message.reasoning += block.text("thinking").value_or("");
    } else if (type == "redacted_thinking" && is_assistant) {
      return;  // nobody but its author can read it
    } else if (type == "image" || type == "document") {
      fail(ErrorCode::invalid_argument, "{} is of type {}, and this model reads text only",
           block.path_of("type"), type);
    } else {
      fail(ErrorCode::invalid_argument, "{} cannot be {} in a message of role {}",
           block.path_of("type"), type, message.role);
    }
  }

  std::map<std::string, std::string> tool_names_;
};

std::vector<Tool> parse_custom_tools(const Json& list) {
  check_tool_count(list);
  std::vector<Tool> tools;
  for (size_t i = 0; i < list.size(); ++i) {
    const JsonFields fields(list[i], fmt::format("tools[{}]", i));
    const std::string type = fields.text("type").value_or("custom");
    if (type != "custom") {
      fail(ErrorCode::unsupported,
           "{} must be custom, got {}: this server runs no tools of its own",
           fields.path_of("type"), type);
    }
    if (fields.boolean("strict").value_or(false)) {
      fail(ErrorCode::unsupported,
           "{} needs constrained decoding, which comes with a later version",
           fields.path_of("strict"));
    }
    const Json* schema = fields.object("input_schema");
    if (schema == nullptr)
      fail(ErrorCode::invalid_argument, "{} is required", fields.path_of("input_schema"));
    tools.push_back({.name = fields.required_text("name"),
                     .description = fields.text("description").value_or(""),
                     .parameters = to_wire(*schema)});
  }
  check_schema_sizes(tools, "input_schema");
  return tools;
}

void apply_tool_choice(const JsonFields& request, ChatRequest& chat) {
  const Json* choice = request.object("tool_choice");
  if (choice == nullptr) return;
  const std::string type = JsonFields(*choice, "tool_choice").required_text("type");
  if (type == "none") {
    chat.tools.clear();
  } else if (type == "any" || type == "tool") {
    fail(ErrorCode::unsupported,
         "tool_choice.type must be auto or none for now, got {}: to force a tool needs constrained "
         "decoding, which comes with a later version",
         type);
  } else if (type != "auto") {
    fail(ErrorCode::invalid_argument, "tool_choice.type must be auto or none, got {}", type);
  }
}

// Templates of models that can think look at enable_thinking; others do not.
void apply_thinking(const JsonFields& request, ChatRequest& chat) {
  const Json* thinking = request.object("thinking");
  if (thinking == nullptr) return;
  const std::string type = JsonFields(*thinking, "thinking").required_text("type");
  chat.variables = to_wire(Json{{"enable_thinking", type != "disabled"}});
}

}  // namespace

ChatRequest parse_conversation(const JsonFields& request) {
  Conversation conversation;
  const std::string system = block_text(request, "system");
  if (!system.empty()) conversation.messages.push_back({.role = "system", .content = system});
  const Json* list = request.list("messages");
  if (list == nullptr) fail(ErrorCode::invalid_argument, "messages is required");
  if (list->empty()) fail(ErrorCode::invalid_argument, "messages must hold at least one message");
  check_message_count(*list);
  for (size_t i = 0; i < list->size(); ++i)
    conversation.add((*list)[i], fmt::format("messages[{}]", i));

  ChatRequest chat;
  chat.messages = std::move(conversation.messages);
  if (const Json* tools = request.list("tools")) chat.tools = parse_custom_tools(*tools);
  apply_tool_choice(request, chat);
  apply_thinking(request, chat);
  // An assistant's last message is the beginning of the answer.
  const Message& last = chat.messages.back();
  chat.continue_final_message = last.role == "assistant" && last.tool_calls.empty();
  chat.add_generation_prompt = !chat.continue_final_message;
  return chat;
}

}  // namespace sparrow::anthropic
