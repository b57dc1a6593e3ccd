// What changes the store: /api/copy, delete, create, and the blobs that create may use.
#pragma once

#include <memory>

#include "server/http/exchange.h"
#include "server/server_state.h"

namespace sparrow::ollama {

void copy(ServerState& state, const std::shared_ptr<http::Exchange>& exchange);
void remove(ServerState& state, const std::shared_ptr<http::Exchange>& exchange);
void create(ServerState& state, const std::shared_ptr<http::Exchange>& exchange);

// HEAD and POST /api/blobs/{digest}.
void has_blob(ServerState& state, const std::shared_ptr<http::Exchange>& exchange);
// What takes the body of a blob, before it comes.
std::shared_ptr<http::BodySink> open_blob(ServerState& state, const http::Request& request);
void put_blob(ServerState& state, const std::shared_ptr<http::Exchange>& exchange);

}  // namespace sparrow::ollama
