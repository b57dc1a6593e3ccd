// Real templates and conversations against what transformers made of them.
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <optional>
#include <sstream>

#include "chat/chat_template.h"
#include "chat/output_parser.h"
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

// What a template prints as an answer with calls is read back as these calls.
TEST(ChatGolden, calls_that_real_templates_print_are_read) {
  std::map<std::string, Json> conversations;
  for (const Json& conversation : read_golden("conversations.json"))
    conversations[conversation["name"]] = conversation;
  const Json templates = read_golden("templates.json");
  int checked = 0;
  for (const Json& golden : templates["templates"]) {
    const auto chat = ChatTemplate::from_source(golden["template"], nullptr);
    const OutputFormat& format = output_format_of(*chat);
    if (format.name == "plain") continue;
    for (const Json& one : golden["cases"]) {
      const Json& messages = conversations.at(one["conversation"])["messages"];
      const auto answer = std::find_if(messages.begin(), messages.end(), [](const Json& message) {
        return message.contains("tool_calls");
      });
      if (answer == messages.end() || one.contains("error")) continue;
      ++checked;
      SCOPED_TRACE(golden["name"].get<std::string>() + ", " +
                   one["conversation"].get<std::string>());
      const std::string text = one["text"];
      const bool is_mistral = format.name == "mistral";
      const size_t begin =
          text.find(is_mistral ? "[/INST]" : "<|im_start|>assistant\n") + (is_mistral ? 7 : 22);
      const size_t end = text.find(is_mistral ? "</s>" : "<|im_end|>", begin);
      OutputParser parser(format,
                          {.tool_names = {"search"}, .has_reasoning = has_reasoning(*chat)});
      const ChatDelta delta = parser.push(std::string_view(text).substr(begin, end - begin));
      ASSERT_EQ(delta.tool_calls.size(), (*answer)["tool_calls"].size());
      for (size_t i = 0; i < delta.tool_calls.size(); ++i) {
        const ToolCall& call = delta.tool_calls[i].call;
        const Json& wanted = (*answer)["tool_calls"][i];
        const Json& arguments = wanted["function"]["arguments"];
        EXPECT_EQ(call.name, wanted["function"]["name"]);
        EXPECT_EQ(Json::parse(call.arguments),
                  arguments.is_string() ? Json::parse(arguments.get<std::string>()) : arguments);
        EXPECT_EQ(is_mistral, call.id == wanted["id"]);
      }
      const Json& content = (*answer)["content"];
      const bool has_content = content.is_string() && !is_mistral;  // whose template leaves it out
      EXPECT_EQ(delta.content, has_content ? content.get<std::string>() : "");
      const bool has_reasoning = chat->source().find("reasoning_content") != std::string::npos;
      EXPECT_EQ(delta.reasoning, has_reasoning ? answer->value("reasoning", std::string()) : "");
    }
  }
  EXPECT_EQ(checked, 17);
}

}  // namespace
}  // namespace sparrow
