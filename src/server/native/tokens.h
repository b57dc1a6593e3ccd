// Between text and tokens: /tokenize, /detokenize, /apply-template, /tokenizer_info.
#pragma once

#include <memory>

#include "server/http/exchange.h"
#include "server/server_state.h"

namespace sparrow::native {

void tokenize(ServerState& state, const std::shared_ptr<http::Exchange>& exchange);
void detokenize(ServerState& state, const std::shared_ptr<http::Exchange>& exchange);
void apply_template(ServerState& state, const std::shared_ptr<http::Exchange>& exchange);
void tokenizer_info(ServerState& state, const std::shared_ptr<http::Exchange>& exchange);

}  // namespace sparrow::native
