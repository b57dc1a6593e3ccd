// What there is and what is loaded: /api/version, tags and ps.
#pragma once

#include <memory>

#include "server/http/exchange.h"
#include "server/ollama/cards.h"
#include "server/server_state.h"

namespace sparrow::ollama {

// The version of Ollama whose API this is; clients compare it as numbers. sparrow's own is beside
// it.
inline constexpr const char* kOllamaVersion = "0.33.2";

void version(ServerState& state, const std::shared_ptr<http::Exchange>& exchange);
void tags(ServerState& state, ModelCards& cards, const std::shared_ptr<http::Exchange>& exchange);
void ps(ServerState& state, ModelCards& cards, const std::shared_ptr<http::Exchange>& exchange);

}  // namespace sparrow::ollama
