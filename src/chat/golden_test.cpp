// Real templates and conversations against what transformers made of them.
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <optional>
#include <sstream>

#include "chat/chat_template.h"
#include "sparrow/error.h"

namespace sparrow {
namespace {

Json read_golden(const std::string& name) {
  std::ifstream file(SPARROW_SOURCE_DIR "/tests/golden/chat/" + name);
  std::stringstream text;
  text << file.rdbuf();
  return Json::parse(text.str());
}

// The keys with a meaning of their own; all others are variables of the template.
TemplateInput input_of(Json conversation) {
  TemplateInput input;
  input.messages = conversation["messages"];
  input.tools = conversation.value("tools", Json());
  input.add_generation_prompt = conversation.value("add_generation_prompt", false);
  const Json goes_on = conversation.value("continue_final_message", Json(false));
  input.continue_final_message = goes_on != false;
  if (goes_on.is_string()) input.continue_field = goes_on;
  for (const char* key :
       {"name", "messages", "tools", "add_generation_prompt", "continue_final_message"}) {
    conversation.erase(key);
  }
  input.variables = conversation;
  return input;
}

// The same as a client of an API sends it: arguments as text. Nothing for what a Message cannot
// hold.
std::optional<std::vector<Message>> messages_of(const Json& messages) {
  const auto text = [](const Json& message, const char* field) {
    return message.value(field, std::string());
  };
  std::vector<Message> result;
  for (const Json& message : messages) {
    if (!message["content"].is_string() || message.contains("weight")) return std::nullopt;
    Message made = {.role = message["role"],
                    .content = message["content"],
                    .reasoning = text(message, "reasoning") + text(message, "reasoning_content"),
                    .tool_call_id = text(message, "tool_call_id"),
                    .name = text(message, "name")};
    for (const Json& call : message.value("tool_calls", Json::array())) {
      const Json& function = call["function"];
      made.tool_calls.push_back({call["id"], function["name"], function["arguments"].dump()});
    }
    result.push_back(std::move(made));
  }
  return result;
}

std::string text_of(const ChatTemplate& chat, const TemplateInput& input) {
  std::string text;
  for (const Segment& segment : chat.render(input)) text += segment.text;
  return text;
}

TEST(ChatGolden, real_templates_print_or_refuse_as_the_reference_does) {
  std::map<std::string, Json> conversations;
  for (const Json& conversation : read_golden("conversations.json"))
    conversations[conversation["name"]] = conversation;
  const Json templates = read_golden("templates.json");
  int checked = 0;
  int of_messages = 0;
  for (const Json& golden : templates["templates"]) {
    const auto chat = ChatTemplate::from_source(golden["template"], nullptr);
    for (const Json& one : golden["cases"]) {
      ++checked;
      SCOPED_TRACE(golden["name"].get<std::string>() + ", " +
                   one["conversation"].get<std::string>());
      TemplateInput input = input_of(conversations.at(one["conversation"]));
      for (const auto& [name, token] : golden["special_tokens"].items()) {
        if (!input.variables.contains(name)) input.variables[name] = token;
      }
      if (one.contains("error")) {
        EXPECT_THROW(chat->render(input), Error) << one["error"];
        continue;
      }
      EXPECT_EQ(text_of(*chat, input), one["text"].get<std::string>());
      if (const auto messages = messages_of(input.messages)) {
        ++of_messages;
        input.messages = to_json(*messages);
        EXPECT_EQ(text_of(*chat, input), one["text"].get<std::string>());
      }
    }
  }
  EXPECT_EQ(checked, 4 * static_cast<int>(conversations.size()));
  EXPECT_EQ(of_messages, 124);
}

}  // namespace
}  // namespace sparrow
