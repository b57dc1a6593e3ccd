// OpenAI's routes: a row each.
#include "server/openai/chat_completions.h"
#include "server/openai/dialect.h"

namespace sparrow::openai {

std::vector<http::Route> routes(ServerState& state) {
  using Handle = void (*)(ServerState&, const std::shared_ptr<http::Exchange>&);
  const auto row = [&state](std::string method, std::string pattern, Handle handle,
                            http::BodySize body = http::BodySize::control) {
    return http::Route{
        .method = std::move(method),
        .pattern = std::move(pattern),
        .handler = [&state, handle](const auto& exchange) { handle(state, exchange); },
        .body = body,
        .error_shape = error_body};
  };
  constexpr auto kLarge = http::BodySize::large;
  return {
      row("POST", "/v1/chat/completions", chat_completions, kLarge),
  };
}

}  // namespace sparrow::openai
