// POST /v1/completions: text that goes on, whatever the prompt is.
#pragma once

#include <memory>

#include "server/http/exchange.h"
#include "server/server_state.h"

namespace sparrow::openai {

void completions(ServerState& state, const std::shared_ptr<http::Exchange>& exchange);

}  // namespace sparrow::openai
