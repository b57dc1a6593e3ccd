// GET /v1/models and /v1/models/{model}.
#pragma once

#include <memory>

#include "server/http/exchange.h"
#include "server/server_state.h"

namespace sparrow::openai {

void list_models(ServerState& state, const std::shared_ptr<http::Exchange>& exchange);
void get_model(ServerState& state, const std::shared_ptr<http::Exchange>& exchange);

}  // namespace sparrow::openai
