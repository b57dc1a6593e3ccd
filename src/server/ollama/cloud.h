// Routes of Ollama's cloud, which this server has not: answered so that clients go on without it.
#pragma once

#include <memory>

#include "server/http/exchange.h"
#include "server/server_state.h"

namespace sparrow::ollama {

void cloud_status(ServerState& state, const std::shared_ptr<http::Exchange>& exchange);
void refuse_account(ServerState& state, const std::shared_ptr<http::Exchange>& exchange);
void refuse_cloud(ServerState& state, const std::shared_ptr<http::Exchange>& exchange);

}  // namespace sparrow::ollama
