// Ollama's routes: a row each.
#include <fmt/format.h>

#include "server/http/ndjson.h"
#include "server/ollama/cloud.h"
#include "server/ollama/dialect.h"
#include "server/ollama/embedding.h"
#include "server/ollama/generation.h"
#include "server/ollama/models.h"
#include "server/ollama/pull.h"
#include "server/ollama/show.h"
#include "server/ollama/store_changes.h"
#include "server/operation.h"
#include "server/wire.h"

namespace sparrow::ollama {
namespace {

constexpr std::string_view kModel = "model! string(1..)";
constexpr std::string_view kEmbeds =
    "model! string(1..), truncate boolean = true, keep_alive string|number";
constexpr std::string_view kStream = "stream boolean = true";

// What chat and generate share.
std::string answer_fields() {
  return fmt::format(
      "{}, {}, format '', keep_alive string|number, "
      "think boolean|'low'|'medium'|'high'|'max', truncate boolean = true, shift boolean = true, "
      "logprobs boolean = false, top_logprobs integer(0..20) = 0, "
      "saved_messages boolean = true, receipt ''|'digests'|'full', "
      "_debug_render_only boolean = false",
      kModel, kStream);
}

std::string messages_type() {
  return fmt::format(
      "[{{role! string, content {}, thinking string, tool_name string, name string, "
      "tool_call_id string, images [any](..0), tool_calls [{{id string, "
      "function! {{name! string, arguments object}}}}]}}](..{})",
      kContentType, kMostMessages);
}

std::string chat_fields() {
  return fmt::format("messages {}, tools [{}](..{}), {}", messages_type(), kToolType, kMostTools,
                     answer_fields());
}

std::string generate_fields() {
  return "prompt string, suffix string, system string, template string, raw boolean = false, "
         "context [integer(0..2147483647)], images [any](..0), " +
         answer_fields();
}

std::string create_fields() {
  return fmt::format(
      "{0}, {1}, from string, files object, template string, system string, messages {2}, "
      "saved_messages boolean = true, license string|[string], adapters {3}, draft_files {3}, "
      "quantize {3}, quantization {3}, "
      "draft_quantize {3}, remote_host {3}, modelfile {3}, path {3}",
      kModel, kStream, messages_type(), "''|{}(..0)|[any](..0)");
}

std::string answer_type(std::string_view field) {
  return fmt::format(
      "{{model! string, created_at! string, {}, done! boolean, done_reason string, "
      "total_duration integer(0..), load_duration integer(0..), prompt_eval_count integer(0..), "
      "prompt_eval_duration integer(0..), eval_count integer(0..), eval_duration integer(0..)}}",
      field);
}

}  // namespace

std::vector<http::Route> routes(ServerState& state) {
  using Exchange = std::shared_ptr<http::Exchange>;
  using Handle = void (*)(ServerState&, const Exchange&);
  using HandleCards = void (*)(ServerState&, ModelCards&, const Exchange&);
  using http::BodySize;
  using http::Scope;
  const auto row = [&state](std::string method, std::string pattern, Handle handle,
                            const Operation& described, Scope scope = Scope::inference,
                            BodySize body = BodySize::control) {
    return http::Route{
        .method = std::move(method),
        .pattern = std::move(pattern),
        .handler = [&state, handle](const Exchange& exchange) { handle(state, exchange); },
        .body = body,
        .scope = scope,
        .error_shape = error_body,
        .operation = operation(described)};
  };
  const auto cards = std::make_shared<ModelCards>();
  const auto list = [&](std::string pattern, HandleCards handle, const Operation& described) {
    http::Route route = row("GET", std::move(pattern), nullptr, described);
    route.handler = [&state, cards, handle](const Exchange& exchange) {
      handle(state, *cards, exchange);
    };
    return route;
  };
  constexpr auto kLarge = BodySize::large;
  const Json options = {{"options", options_schema()}};
  const Reply lines = {.content_type = http::kNdjsonContentType, .type = "string"};
  const Reply status = {.type = "{status! 'success'}"};
  const Reply nothing = {.content_type = ""};
  const auto json = [](std::string type) { return Reply{.type = std::move(type)}; };
  const auto refused = [](std::string_view summary, int why) {
    return Operation{.summary = summary, .replies = {}, .refusals = {why}};
  };
  http::Route blob = row("POST", "/api/blobs/{digest}", put_blob,
                         {.summary = "Takes a file whose SHA-256 this is",
                          .body = "application/octet-stream",
                          .replies = {nothing, {.status = 201, .content_type = ""}}},
                         Scope::manage);
  blob.open_body = [&state](const http::Request& request) { return open_blob(state, request); };
  const std::string named = "name! string, model! string, size! integer, digest! string, ";
  return {
      row("POST", "/api/chat", chat,
          {.summary = "An answer to a conversation; without messages loads or unloads the model",
           .fields = chat_fields(),
           .more_fields = options,
           .replies = {json(answer_type("message {role! 'assistant', content! string}")), lines}},
          Scope::inference, kLarge),
      row("POST", "/api/generate", generate,
          {.summary = "An answer to a text; without one loads or unloads the model",
           .fields = generate_fields(),
           .more_fields = options,
           .replies = {json(answer_type("response! string, context [integer]")), lines}},
          Scope::inference, kLarge),
      row("POST", "/api/embed", embed,
          {.summary = "Texts as vectors of length 1",
           .fields = fmt::format("{}, input string|[string](..2048), dimensions integer(0..) = 0",
                                 kEmbeds),
           .more_fields = options,
           .replies = {json("{model! string, embeddings! [[number]], prompt_eval_count! integer, "
                            "total_duration! integer, load_duration! integer}")}},
          Scope::inference, kLarge),
      row("POST", "/api/embeddings", embeddings,
          {.summary = "A text as a vector, in the older form",
           .fields = fmt::format("{}, prompt string", kEmbeds),
           .more_fields = options,
           .replies = {json("{embedding! [number]}")}},
          Scope::inference, kLarge),
      row("GET", "/api/version", version,
          {.summary = "The version of Ollama that this server answers as",
           .replies = {json("{version! string, sparrow! string}")}}),
      list("/api/tags", tags,
           {.summary = "The models",
            .replies = {json("{models! [{" + named +
                             "modified_at! string, details! object, "
                             "capabilities! [string]}]}")}}),
      list("/api/ps", ps,
           {.summary = "The models that are loaded",
            .replies = {json("{models! [{" + named +
                             "details! object, expires_at! string, "
                             "size_vram! integer, context_length! integer}]}")}}),
      row("POST", "/api/show", show,
          {.summary = "What is known of a model",
           .fields =
               fmt::format("{}, system string, template string, verbose boolean = false", kModel),
           .replies = {json("{modelfile! string, template! string, details! object, "
                            "model_info! object, capabilities! [string], modified_at! string}")}}),
      row("POST", "/api/copy", copy,
          {.summary = "Gives a model a second name",
           .fields = "source! string, destination! string",
           .replies = {nothing}},
          Scope::manage),
      row("DELETE", "/api/delete", remove,
          {.summary = "Deletes a model", .fields = std::string(kModel), .replies = {nothing}},
          Scope::manage),
      row("POST", "/api/create", create,
          {.summary = "Makes a model from another or from an uploaded file",
           .fields = create_fields(),
           .more_fields = {{"parameters", options_schema()}},
           .replies = {status, lines}},
          Scope::manage),
      row("GET", "/api/blobs/{digest}", has_blob,
          {.summary = "Whether a file is there", .replies = {nothing}}, Scope::manage),
      blob,
      row("POST", "/api/pull", pull,
          {.summary = "Downloads a model",
           .fields = fmt::format("{}, {}", kModel, kStream),
           .replies = {status, lines},
           .refusals = {502}},
          Scope::manage),
      row("POST", "/api/push", push, refused("Refused: this server uploads nothing", 400),
          Scope::manage),
      row("GET", "/api/status", cloud_status,
          {.summary = "That there is no cloud",
           .replies = {json("{cloud! {disabled! boolean, source! string}}")}}),
      row("POST", "/api/me", refuse_account, refused("Refused: there are no accounts", 401)),
      row("POST", "/api/signout", refuse_account, refused("Refused: there are no accounts", 401)),
      row("DELETE", "/api/user/keys/{key}", refuse_account,
          refused("Refused: there are no accounts", 401)),
      row("POST", "/api/experimental/web_search", refuse_cloud,
          refused("Refused: there is no cloud", 403)),
      row("POST", "/api/experimental/web_fetch", refuse_cloud,
          refused("Refused: there is no cloud", 403)),
      row("GET", "/api/experimental/model-recommendations", refuse_cloud,
          refused("Refused: there is no cloud", 403)),
  };
}

}  // namespace sparrow::ollama
