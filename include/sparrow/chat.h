// The plain types of a conversation, shared by every API.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace sparrow {

// A call the model makes: `arguments` is a JSON object as text; empty: no arguments.
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

// A call of an answer; `index` counts the answer's calls from 0.
struct IndexedToolCall {
  int64_t index = 0;
  ToolCall call;
};

// What an answer has gained: pieces of text, and calls that are complete.
struct ChatDelta {
  std::string content;
  std::string reasoning;
  std::vector<IndexedToolCall> tool_calls;
};

struct ChatRequest {
  std::vector<Message> messages;
  std::vector<Tool> tools;
  bool add_generation_prompt = true;
  // The last message is the beginning of the answer; add_generation_prompt must then be false.
  bool continue_final_message = false;
  std::string variables = "{}";  // a JSON object of what else the template may look at
  std::string chat_template;     // empty: the model's own
};

}  // namespace sparrow
