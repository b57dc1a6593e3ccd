// llama-server's own routes, and those that vLLM has beside OpenAI's. A path that both have is one
// row: which fields a request has says whose it is.
// Shapes: llama.cpp's tools/server/README.md and vLLM's OpenAI-compatible server, August 2026.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "api/opened_model.h"
#include "server/http/exchange.h"
#include "server/http/failure.h"
#include "server/http/route.h"
#include "server/json_fields.h"
#include "server/server_state.h"

namespace sparrow::native {

std::vector<http::Route> routes(ServerState& state);

// {"error": {"code", "message", "type"}}.
http::ErrorBody error_body(const http::Failure& failure);
Json error_json(const http::Failure& failure);

// These APIs know one model and need not name it: then it is the server's first, else the one that
// was used last.
std::string model_name(ServerState& state, const std::string& asked);

// A list of ids, each inside the vocabulary. Throws Error{invalid_argument}.
std::vector<TokenId> parse_ids(const Json& list, const std::string& path, const OpenedModel& model);

// What the template makes of `messages`, `tools` and the fields of vLLM that steer it.
TemplateInput template_input(const JsonFields& request);

}  // namespace sparrow::native
