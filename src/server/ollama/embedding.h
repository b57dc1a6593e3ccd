// /api/embed and its forerunner /api/embeddings: a vector a text.
#pragma once

#include <memory>

#include "server/http/exchange.h"
#include "server/server_state.h"

namespace sparrow::ollama {

void embed(ServerState& state, const std::shared_ptr<http::Exchange>& exchange);
void embeddings(ServerState& state, const std::shared_ptr<http::Exchange>& exchange);

}  // namespace sparrow::ollama
