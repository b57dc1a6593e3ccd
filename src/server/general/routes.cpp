#include "server/general/routes.h"

#include "base/error.h"
#include "server/http/exchange.h"
#include "server/openai/dialect.h"
#include "server/operation.h"
#include "server/wire.h"

namespace sparrow::general {
namespace {

using ExchangePtr = std::shared_ptr<http::Exchange>;

// Ollama's word for those who ask whether it is there; a browser gets a page.
void root(ServerState& state, const ExchangePtr& exchange) {
  if (!exchange->request().headers.lists("Accept", "text/html")) {
    exchange->reply(200, {{"Content-Type", "text/plain; charset=utf-8"}}, "Ollama is running");
    return;
  }
  std::string rows;
  for (const ServedModels::Listed& listed : state.models.list())
    rows += fmt::format("<li><code>{}</code></li>\n", listed.name);
  exchange->reply(
      200, {{"Content-Type", "text/html; charset=utf-8"}},
      fmt::format("<!doctype html>\n<meta charset=\"utf-8\">\n<title>sparrow</title>\n"
                  "<h1>sparrow</h1>\n<p>This server runs language models on this machine. It "
                  "answers the APIs of Ollama (<code>/api</code>) and OpenAI (<code>/v1</code>)."
                  "</p>\n<ul>\n{}</ul>\n",
                  rows));
}

void health(ServerState&, const ExchangePtr& exchange) {
  exchange->reply_json(200, R"({"status":"ok"})");
}

// Every model that has work takes steps.
void ready(ServerState& state, const ExchangePtr& exchange) {
  std::vector<LoadedModel> loaded;
  for (ServedModels::Loaded& model : state.models.loaded())
    loaded.push_back(std::move(model.model));
  const std::vector<std::string> hanging =
      state.heartbeat.look(loaded, std::chrono::steady_clock::now());
  if (hanging.empty()) {
    exchange->reply_json(200, R"({"status":"ready"})");
    return;
  }
  exchange->fail(
      {.status = 503, .message = fmt::format("{} has work and takes no steps", hanging.front())});
}

void openapi(ServerState& state, const ExchangePtr& exchange) {
  exchange->reply_json(200, state.openapi);
}

void metrics(ServerState& state, const ExchangePtr& exchange) {
  exchange->reply(200, {{"Content-Type", std::string(http::Metrics::kContentType)}},
                  state.metrics.text());
}

void list_requests(ServerState& state, const ExchangePtr& exchange) {
  const std::string& key = exchange->request().key_name;
  Json list = Json::array();
  for (const RunningRequest& request : state.requests.list()) {
    if (!key.empty() && request.key_name != key) continue;
    const auto age = std::chrono::steady_clock::now() - request.received_at;
    list.push_back({{"id", request.id},
                    {"path", request.path},
                    {"model", request.model},
                    {"prompt_tokens", request.prompt_tokens},
                    {"queue_position", request.queue_position ? request.queue_position() : 0},
                    {"seconds", std::chrono::duration<double>(age).count()}});
  }
  exchange->reply_json(200, to_wire(Json{{"requests", list}}));
}

void cancel_request(ServerState& state, const ExchangePtr& exchange) {
  const http::Request& request = exchange->request();
  const std::string id(request.path_parameter("id"));
  const int64_t count = state.requests.cancel(id, request.key_name);
  if (count == 0) fail(ErrorCode::not_found, "no request '{}' is being answered", id);
  exchange->reply_json(200, to_wire(Json{{"cancelled", count}}));
}

}  // namespace

std::vector<http::Route> routes(ServerState& state) {
  using Handle = void (*)(ServerState&, const ExchangePtr&);
  using http::RunsOn;
  using http::Scope;
  const auto row = [&state](std::string method, std::string pattern, Handle handle,
                            const Operation& described, Scope scope, RunsOn runs_on = RunsOn::io) {
    return http::Route{
        .method = std::move(method),
        .pattern = std::move(pattern),
        .handler = [&state, handle](const auto& exchange) { handle(state, exchange); },
        .scope = scope,
        .runs_on = runs_on,
        .error_shape = openai::error_body,
        .operation = operation(described)};
  };
  const auto json = [](std::string type) { return Reply{.type = std::move(type)}; };
  const Reply text = {.content_type = "text/plain", .type = "string"};
  return {
      row("GET", "/", root,
          {.summary = "What this is",
           .replies = {text, {.content_type = "text/html", .type = "string"}}},
          Scope::open, RunsOn::worker),
      row("GET", "/health", health,
          {.summary = "Whether the server is there", .replies = {json("{status! 'ok'}")}},
          Scope::open),
      row("GET", "/v1/health", health,
          {.summary = "The same as /health", .replies = {json("{status! 'ok'}")}}, Scope::open),
      row("GET", "/ready", ready,
          {.summary = "Whether the engines go on", .replies = {json("{status! 'ready'}")}},
          Scope::open),
      row("GET", "/metrics", metrics,
          {.summary = "What is measured, for Prometheus", .replies = {text}}, Scope::observe),
      row("GET", "/openapi.json", openapi,
          {.summary = "This document", .replies = {json("{openapi! string, paths! object}")}},
          Scope::inference),
      row("GET", "/requests", list_requests,
          {.summary = "The requests that are being answered",
           .replies = {json(
               "{requests! [{id! string, path! string, model! string, "
               "prompt_tokens! integer, queue_position! integer, seconds! number}]}")}},
          Scope::observe),
      row("DELETE", "/requests/{id}", cancel_request,
          {.summary = "Ends a request", .replies = {json("{cancelled! integer}")}}, Scope::manage),
  };
}

}  // namespace sparrow::general
