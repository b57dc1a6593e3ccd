// /api/chat and /api/generate: one line of JSON a piece, or one object.
#pragma once

#include <memory>

#include "server/http/exchange.h"
#include "server/server_state.h"

namespace sparrow::ollama {

void chat(ServerState& state, const std::shared_ptr<http::Exchange>& exchange);
void generate(ServerState& state, const std::shared_ptr<http::Exchange>& exchange);

}  // namespace sparrow::ollama
