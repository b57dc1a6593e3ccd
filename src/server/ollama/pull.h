// /api/pull, with its progress; /api/push, which there is not.
#pragma once

#include <memory>
#include <string>

#include "server/http/exchange.h"
#include "server/ollama/status_lines.h"
#include "server/server_state.h"

namespace sparrow::ollama {

void pull(ServerState& state, const std::shared_ptr<http::Exchange>& exchange);
void push(ServerState& state, const std::shared_ptr<http::Exchange>& exchange);

// Gets a model into the store unless it is there. Ends as cancelled when the client goes. Throws
// what sparrow::pull throws.
StoredModel pull_with_lines(ServerState& state, const std::shared_ptr<http::Exchange>& exchange,
                            const std::string& name, StatusLines& lines);

}  // namespace sparrow::ollama
