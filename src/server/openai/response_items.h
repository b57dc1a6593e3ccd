// The items that /v1/responses is given, as a conversation.
#pragma once

#include <vector>

#include "server/json_fields.h"
#include "sparrow/chat.h"

namespace sparrow::openai {

// `input`: a string, or a list of messages, function calls, their outputs, and reasoning. Throws
// Error{invalid_argument|unsupported}.
std::vector<Message> parse_input(const JsonFields& request);

// `tools`, whose functions stand in the tool itself: {"type": "function", "name": …}. With
// tool_choice none: no tools. Throws Error{invalid_argument|unsupported}.
std::vector<Tool> parse_response_tools(const JsonFields& request);

}  // namespace sparrow::openai
