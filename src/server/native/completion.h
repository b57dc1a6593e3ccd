// POST /completion: llama-server's own way to ask for text, and to say how it wants it.
#pragma once

#include <memory>

#include "server/http/exchange.h"
#include "server/json_fields.h"
#include "server/server_state.h"

namespace sparrow::native {

void completion(ServerState& state, const std::shared_ptr<http::Exchange>& exchange);

// Sampling in llama-server's names, for its answers.
Json settings_json(const SamplingParams& params);

}  // namespace sparrow::native
