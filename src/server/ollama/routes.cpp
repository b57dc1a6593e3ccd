// Ollama's routes: a row each.
#include "server/ollama/cloud.h"
#include "server/ollama/dialect.h"
#include "server/ollama/embedding.h"
#include "server/ollama/generation.h"
#include "server/ollama/models.h"
#include "server/ollama/pull.h"
#include "server/ollama/show.h"
#include "server/ollama/store_changes.h"

namespace sparrow::ollama {

std::vector<http::Route> routes(ServerState& state) {
  using Exchange = std::shared_ptr<http::Exchange>;
  using Handle = void (*)(ServerState&, const Exchange&);
  using HandleCards = void (*)(ServerState&, ModelCards&, const Exchange&);
  using http::BodySize;
  using http::Scope;
  const auto row = [&state](std::string method, std::string pattern, Handle handle,
                            Scope scope = Scope::inference, BodySize body = BodySize::control) {
    return http::Route{
        .method = std::move(method),
        .pattern = std::move(pattern),
        .handler = [&state, handle](const Exchange& exchange) { handle(state, exchange); },
        .body = body,
        .scope = scope,
        .error_shape = error_body};
  };
  const auto cards = std::make_shared<ModelCards>();
  const auto list = [&](std::string pattern, HandleCards handle) {
    http::Route route = row("GET", std::move(pattern), nullptr);
    route.handler = [&state, cards, handle](const Exchange& exchange) {
      handle(state, *cards, exchange);
    };
    return route;
  };
  constexpr auto kLarge = BodySize::large;
  return {
      row("POST", "/api/chat", chat, Scope::inference, kLarge),
      row("POST", "/api/generate", generate, Scope::inference, kLarge),
      row("POST", "/api/embed", embed, Scope::inference, kLarge),
      row("POST", "/api/embeddings", embeddings, Scope::inference, kLarge),
      row("GET", "/api/version", version),
      list("/api/tags", tags),
      list("/api/ps", ps),
      row("POST", "/api/show", show),
      row("POST", "/api/copy", copy, Scope::manage),
      row("DELETE", "/api/delete", remove, Scope::manage),
      row("POST", "/api/create", create, Scope::manage),
      row("GET", "/api/blobs/{digest}", has_blob, Scope::manage),
      row("POST", "/api/blobs/{digest}", put_blob, Scope::manage, kLarge),
      row("POST", "/api/pull", pull, Scope::manage),
      row("POST", "/api/push", push, Scope::manage),
      row("GET", "/api/status", cloud_status),
      row("POST", "/api/me", refuse_account),
      row("POST", "/api/signout", refuse_account),
      row("DELETE", "/api/user/keys/{key}", refuse_account),
      row("POST", "/api/experimental/web_search", refuse_cloud),
      row("POST", "/api/experimental/web_fetch", refuse_cloud),
      row("GET", "/api/experimental/model-recommendations", refuse_cloud),
  };
}

}  // namespace sparrow::ollama
