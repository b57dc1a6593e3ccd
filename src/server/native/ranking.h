// How well texts fit each other: /score, /rerank, and llama-server's /embedding below both.
#pragma once

#include <memory>

#include "server/http/exchange.h"
#include "server/server_state.h"

namespace sparrow::native {

// The cosine of two texts' embeddings, which are pooled as the model's file says, else the mean of
// their hidden states.
void score(ServerState& state, const std::shared_ptr<http::Exchange>& exchange);
// The model is asked whether each document answers the query, as Qwen3-Reranker wants to be asked;
// the relevance is the probability of "yes" against "no".
void rerank(ServerState& state, const std::shared_ptr<http::Exchange>& exchange);
// The same vectors that /v1/embeddings gives.
void embedding(ServerState& state, const std::shared_ptr<http::Exchange>& exchange);

}  // namespace sparrow::native
