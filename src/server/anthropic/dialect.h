// What Anthropic's routes share: their errors, and a request as a conversation.
// Shapes: Anthropic's API reference for the version 2023-06-01 of its Messages API.
#pragma once

#include <string>
#include <vector>

#include "server/http/exchange.h"
#include "server/http/failure.h"
#include "server/http/route.h"
#include "server/json_fields.h"
#include "server/server_state.h"
#include "sparrow/chat.h"

namespace sparrow::anthropic {

std::vector<http::Route> routes(ServerState& state);

// {"type": "error", "error": {"type", "message"}, "request_id"}; the id is a header too.
Json error_json(const http::Failure& failure);
http::ErrorBody error_body(const http::Failure& failure);

// system, messages, tools, tool_choice and thinking. Throws Error{invalid_argument} for what is
// wrong, Error{unsupported} for a choice of tools that needs constrained decoding.
ChatRequest parse_conversation(const JsonFields& request);

}  // namespace sparrow::anthropic
