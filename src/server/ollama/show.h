// /api/show: all that is known of one model.
#pragma once

#include <memory>

#include "server/http/exchange.h"
#include "server/server_state.h"

namespace sparrow::ollama {

void show(ServerState& state, const std::shared_ptr<http::Exchange>& exchange);

}  // namespace sparrow::ollama
