// POST /v1/embeddings.
#pragma once

#include <memory>

#include "server/http/exchange.h"
#include "server/server_state.h"

namespace sparrow::openai {

void embeddings(ServerState& state, const std::shared_ptr<http::Exchange>& exchange);

}  // namespace sparrow::openai
