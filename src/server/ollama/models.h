// What there is, what is loaded, and what a model is: /api/version, tags, ps and show.
#pragma once

#include <memory>

#include "server/http/exchange.h"
#include "server/server_state.h"

namespace sparrow::ollama {

// The version of Ollama whose API this is; clients compare it as numbers. sparrow's own is beside
// it.
inline constexpr const char* kOllamaVersion = "0.33.2";

void version(ServerState& state, const std::shared_ptr<http::Exchange>& exchange);
void tags(ServerState& state, const std::shared_ptr<http::Exchange>& exchange);
void ps(ServerState& state, const std::shared_ptr<http::Exchange>& exchange);
void show(ServerState& state, const std::shared_ptr<http::Exchange>& exchange);

}  // namespace sparrow::ollama
