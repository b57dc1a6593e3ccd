// Messages and tools as the JSON that Hugging Face's templates expect.
#include "base/error.h"
#include "chat/chat_template.h"

namespace sparrow {
namespace {

// Templates write arguments as JSON or walk through them, so they get the object, an empty one for
// no text; text that is no object stays as the model wrote it.
Json arguments_json(const std::string& text) {
  if (text.empty()) return Json::object();
  try {
    Json arguments = parse_json(text, "tool call arguments");
    if (arguments.is_object()) return arguments;
  } catch (const Error&) {
  }
  return text;
}

Json to_json(const ToolCall& call) {
  Json json = Json::object();
  if (!call.id.empty()) json["id"] = call.id;
  json["type"] = "function";
  json["function"] = {{"name", call.name}, {"arguments", arguments_json(call.arguments)}};
  return json;
}

}  // namespace

Json to_json(std::span<const Message> messages) {
  Json result = Json::array();
  for (const Message& message : messages) {
    Json json = {{"role", message.role}, {"content", message.content}};
    if (!message.reasoning.empty()) json["reasoning_content"] = message.reasoning;
    if (!message.tool_calls.empty()) {
      json["tool_calls"] = Json::array();
      for (const ToolCall& call : message.tool_calls) json["tool_calls"].push_back(to_json(call));
    }
    if (!message.tool_call_id.empty()) json["tool_call_id"] = message.tool_call_id;
    if (!message.name.empty()) json["name"] = message.name;
    result.push_back(std::move(json));
  }
  return result;
}

Json to_json(std::span<const Tool> tools) {
  Json result = Json::array();
  for (const Tool& tool : tools) {
    Json function = {{"name", tool.name}, {"description", tool.description}};
    if (!tool.parameters.empty()) {
      function["parameters"] =
          parse_json(tool.parameters, fmt::format("the parameters of tool '{}'", tool.name));
    }
    result.push_back({{"type", "function"}, {"function", std::move(function)}});
  }
  return result;
}

}  // namespace sparrow
