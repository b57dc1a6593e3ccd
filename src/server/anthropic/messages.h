// POST /v1/messages and /v1/messages/count_tokens.
#pragma once

#include <memory>

#include "base/json.h"
#include "server/http/exchange.h"
#include "server/server_state.h"

namespace sparrow::anthropic {

void messages(ServerState& state, const std::shared_ptr<http::Exchange>& exchange);
// The schemas of the sampling fields that it reads.
Json params_schema();
// What the same request would read, by the model's own template.
void count_tokens(ServerState& state, const std::shared_ptr<http::Exchange>& exchange);

}  // namespace sparrow::anthropic
