// The plain types of a conversation, shared by every API.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace sparrow {

// A call the model makes: `arguments` is a JSON object as text.
struct ToolCall {
  std::string id;
  std::string name;
  std::string arguments;
};

struct Message {
  std::string role;  // system, user, assistant, tool
  std::string content;
  std::string reasoning;             // assistant: what it thought, if the model thinks
  std::vector<ToolCall> tool_calls;  // assistant
  std::string tool_call_id;          // tool
  std::string name;                  // tool or user, optional
};

// A function the model may call: `parameters` is a JSON schema as text.
struct Tool {
  std::string name;
  std::string description;
  std::string parameters;
};

}  // namespace sparrow
