// What llama-server and vLLM tell about themselves.
#pragma once

#include <memory>

#include "server/http/exchange.h"
#include "server/server_state.h"

namespace sparrow::native {

void props(ServerState& state, const std::shared_ptr<http::Exchange>& exchange);
// A slot for each request that is being answered, and an idle one where there is room for more.
void slots(ServerState& state, const std::shared_ptr<http::Exchange>& exchange);
void version(ServerState& state, const std::shared_ptr<http::Exchange>& exchange);
void ping(ServerState& state, const std::shared_ptr<http::Exchange>& exchange);
void load(ServerState& state, const std::shared_ptr<http::Exchange>& exchange);
// Filling in the middle.
void infill(ServerState& state, const std::shared_ptr<http::Exchange>& exchange);

}  // namespace sparrow::native
