// OpenAI's routes: a row each.
#include <functional>

#include "server/http/exchange.h"
#include "server/openai/chat_completions.h"
#include "server/openai/completions.h"
#include "server/openai/dialect.h"
#include "server/openai/embeddings.h"
#include "server/openai/models.h"
#include "server/openai/responses.h"
#include "sparrow/error.h"

namespace sparrow::openai {

std::vector<http::Route> routes(ServerState& state) {
  using ExchangePtr = std::shared_ptr<http::Exchange>;
  using Handle = std::function<void(ServerState&, const ExchangePtr&)>;
  const auto row = [&state](std::string method, std::string pattern, Handle handle,
                            http::BodySize body = http::BodySize::control) {
    return http::Route{.method = std::move(method),
                       .pattern = std::move(pattern),
                       .handler =
                           [&state, handle = std::move(handle)](const ExchangePtr& exchange) {
                             try {
                               handle(state, exchange);
                             } catch (const Error& error) {
                               exchange->fail(failure_of(error));
                             }
                           },
                       .body = body,
                       .error_shape = error_body};
  };
  constexpr auto kLarge = http::BodySize::large;
  const auto responses = std::make_shared<ResponseStore>();
  const auto create = [responses](ServerState& server, const ExchangePtr& exchange) {
    create_response(server, responses, exchange);
  };
  const auto get = [responses](ServerState&, const ExchangePtr& exchange) {
    get_response(*responses, exchange);
  };
  const auto remove = [responses](ServerState&, const ExchangePtr& exchange) {
    delete_response(*responses, exchange);
  };
  return {
      row("POST", "/v1/chat/completions", chat_completions, kLarge),
      row("POST", "/v1/completions", completions, kLarge),
      row("POST", "/v1/embeddings", embeddings, kLarge),
      row("GET", "/v1/models", list_models),
      row("GET", "/v1/models/{model...}", get_model),
      row("POST", "/v1/responses", create, kLarge),
      row("GET", "/v1/responses/{id}", get),
      row("DELETE", "/v1/responses/{id}", remove),
  };
}

}  // namespace sparrow::openai
