// OpenAI's routes: a row each.
#include <fmt/format.h>

#include <functional>

#include "server/http/exchange.h"
#include "server/http/sse.h"
#include "server/openai/chat_completions.h"
#include "server/openai/completions.h"
#include "server/openai/dialect.h"
#include "server/openai/embeddings.h"
#include "server/openai/models.h"
#include "server/openai/responses.h"
#include "server/operation.h"
#include "server/wire.h"
#include "sparrow/error.h"

namespace sparrow::openai {

namespace {

// Shared by the routes that make text.
constexpr std::string_view kGeneral =
    "model string, stream boolean = false, "
    "priority integer, skip_special_tokens boolean = true, response_format {type! 'text'}, "
    "use_beam_search false";
constexpr std::string_view kAnswers =
    "stream_options {include_usage boolean = false}, n integer(1..8) = 1, prompt_logprobs "
    "integer(0..20), echo boolean = false, "
    "return_tokens_as_token_ids boolean = false, include_stop_str_in_output boolean = false";
constexpr std::string_view kPromptType =
    "string|[integer(0..)](1..)|[string|[integer(0..)](1..)](1..";
constexpr std::string_view kPromptFields =
    "add_special_tokens boolean = true, truncate_prompt_tokens integer";
constexpr std::string_view kLength = "integer(-1..16777216)";
constexpr std::string_view kUsage =
    "{prompt_tokens! integer, completion_tokens! integer, total_tokens! integer}";
constexpr std::string_view kTools =
    "tool_choice 'auto'|'none' = \"auto\", parallel_tool_calls boolean = true";

std::string chat_fields() {
  return fmt::format(
      "messages! [{{role! string, content {}, reasoning_content string, name string, "
      "tool_call_id string, tool_calls [{{id string, function! {{name! string, arguments "
      "string}}}}]"
      "}}](1..{}), {}, {}, max_tokens {}, max_completion_tokens {}, tools [{}](..{}), {}, "
      "logprobs boolean = false, top_logprobs integer(0..20), add_generation_prompt boolean, "
      "continue_final_message boolean = false, chat_template string, chat_template_kwargs object",
      kContentType, kMostMessages, kGeneral, kAnswers, kLength, kLength, kToolType, kMostTools,
      kTools);
}

std::string completion_fields() {
  return fmt::format(
      "prompt! {}256), {}, {}, {}, max_tokens {} = 16, max_completion_tokens {}, "
      "best_of integer(1..8), logprobs integer(0..20), suffix ''",
      kPromptType, kGeneral, kAnswers, kPromptFields, kLength, kLength);
}

std::string embedding_fields() {
  return fmt::format(
      "input! {}2048), model string, dimensions integer(1..), "
      "encoding_format 'float'|'base64' = \"float\", {}",
      kPromptType, kPromptFields);
}

std::string response_fields() {
  return fmt::format(
      "input! string|[{{type 'message', role! string, content {0}}}"
      "|{{type! 'function_call', call_id! string, name! string, arguments string}}"
      "|{{type! 'function_call_output', call_id! string, output {0}}}"
      "|{{type! 'reasoning', content [{{text string}}]}}](1..4096), {1}, instructions string, "
      "previous_response_id string, max_output_tokens {2}, store boolean = true, {3}, "
      "tools [{{type! 'function', name! string, description string, parameters object, "
      "strict false}}](..{4}), truncation 'auto'|'disabled' = \"disabled\", "
      "include string|[string], top_logprobs integer(0..20), text {{format {{type! 'text'}}}}, "
      "background false, conversation null, prompt null",
      kContentType, kGeneral, kLength, kTools, kMostTools);
}

std::string answer_type(std::string_view object, std::string_view choice) {
  return fmt::format(
      "{{id! string, object! '{}', created! integer, model! string, choices! [{{index! integer, "
      "{}, "
      "finish_reason! 'stop'|'length'|'tool_calls'}}](1..), usage! {}}}",
      object, choice, kUsage);
}

}  // namespace

std::vector<http::Route> routes(ServerState& state) {
  using ExchangePtr = std::shared_ptr<http::Exchange>;
  using Handle = std::function<void(ServerState&, const ExchangePtr&)>;
  const auto row = [&state](std::string method, std::string pattern, Handle handle,
                            const Operation& described) {
    // What reads JSON may have to read much of it.
    const bool is_large = !described.fields.empty();
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
                       .body = is_large ? http::BodySize::large : http::BodySize::control,
                       .error_shape = error_body,
                       .operation = operation(described)};
  };
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
  const Reply stream = {.content_type = http::kSseContentType,
                        .type = "{event string, data! string}"};
  const auto json = [](std::string type) { return Reply{.type = std::move(type)}; };
  const std::string model = "{id! string, object! 'model', created! integer, owned_by! string}";
  const std::string response =
      "{id! string, object! 'response', created_at! integer, status! string, model! string, "
      "output! [{id! string, type! string}]}";
  return {
      row("POST", "/v1/chat/completions", chat_completions,
          {.summary = "An answer to a conversation",
           .fields = chat_fields(),
           .more_fields = params_schema(),
           .replies = {json(answer_type(
                           "chat.completion",
                           "message! {role! 'assistant', content string, tool_calls [object]}")),
                       stream}}),
      row("POST", "/v1/completions", completions,
          {.summary = "A text's continuation",
           .fields = completion_fields(),
           .more_fields = params_schema(),
           .replies = {json(answer_type("text_completion", "text! string")), stream}}),
      row("POST", "/v1/embeddings", embeddings,
          {.summary = "Texts as vectors",
           .fields = embedding_fields(),
           .replies = {json("{object! 'list', model! string, data! [{object! 'embedding', "
                            "index! integer, embedding! string|[number]}](1..), "
                            "usage! {prompt_tokens! integer, total_tokens! integer}}")}}),
      row("GET", "/v1/models", list_models,
          {.summary = "The models",
           .replies = {json(fmt::format("{{object! 'list', data! [{}]}}", model))}}),
      row("GET", "/v1/models/{model...}", get_model,
          {.summary = "One of the models", .replies = {json(model)}}),
      row("POST", "/v1/responses", create,
          {.summary = "An answer that can be gone on from",
           .fields = response_fields(),
           .more_fields = params_schema(),
           .replies = {json(response), stream}}),
      row("GET", "/v1/responses/{id}", get,
          {.summary = "An answer that was kept", .replies = {json(response)}}),
      row("DELETE", "/v1/responses/{id}", remove,
          {.summary = "Forgets an answer",
           .replies = {json("{id! string, object! 'response', deleted! boolean}")}}),
  };
}

}  // namespace sparrow::openai
