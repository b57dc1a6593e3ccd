// /v1/responses: answers that a server remembers.
#pragma once

#include <memory>

#include "server/http/exchange.h"
#include "server/openai/response_store.h"
#include "server/server_state.h"

namespace sparrow::openai {

void create_response(ServerState& state, const std::shared_ptr<ResponseStore>& store,
                     const std::shared_ptr<http::Exchange>& exchange);
void get_response(ResponseStore& store, const std::shared_ptr<http::Exchange>& exchange);
void delete_response(ResponseStore& store, const std::shared_ptr<http::Exchange>& exchange);

}  // namespace sparrow::openai
