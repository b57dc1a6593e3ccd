// POST /v1/chat/completions.
#pragma once

#include <memory>

#include "server/http/exchange.h"
#include "server/server_state.h"

namespace sparrow::openai {

void chat_completions(ServerState& state, const std::shared_ptr<http::Exchange>& exchange);

}  // namespace sparrow::openai
