// Ollama's routes: a row each.
#include "server/ollama/dialect.h"
#include "server/ollama/generation.h"
#include "server/ollama/models.h"

namespace sparrow::ollama {

std::vector<http::Route> routes(ServerState& state) {
  using Handle = void (*)(ServerState&, const std::shared_ptr<http::Exchange>&);
  const auto row = [&state](std::string method, std::string pattern, Handle handle,
                            http::BodySize body = http::BodySize::control,
                            http::Scope scope = http::Scope::inference) {
    return http::Route{
        .method = std::move(method),
        .pattern = std::move(pattern),
        .handler = [&state, handle](const auto& exchange) { handle(state, exchange); },
        .body = body,
        .scope = scope,
        .error_shape = error_body};
  };
  constexpr auto kLarge = http::BodySize::large;
  return {
      row("POST", "/api/chat", chat, kLarge),
      row("POST", "/api/generate", generate, kLarge),
      row("GET", "/api/version", version),
      row("GET", "/api/tags", tags),
      row("GET", "/api/ps", ps),
      row("POST", "/api/show", show),
  };
}

}  // namespace sparrow::ollama
