// llama-server's and vLLM's extra routes: a row each.
#include <fmt/format.h>

#include "server/http/sse.h"
#include "server/native/completion.h"
#include "server/native/completion_request.h"
#include "server/native/dialect.h"
#include "server/native/ranking.h"
#include "server/native/server_info.h"
#include "server/native/tokens.h"
#include "server/operation.h"
#include "server/wire.h"

namespace sparrow::native {
namespace {

constexpr std::string_view kTextsType = "string|[string|{text! string}](1..1024)";
constexpr std::string_view kConversation =
    "add_generation_prompt boolean = true, continue_final_message boolean = false, "
    "chat_template_kwargs object";

std::string messages_fields() {
  return fmt::format("[{{role! string, content {}}}](1..{}), tools [{}](..{}), {}", kContentType,
                     kMostMessages, kToolType, kMostTools, kConversation);
}

Operation completion_operation(std::string_view summary) {
  const std::string type =
      "{content! string, tokens! [integer], stop! boolean, model! string, "
      "tokens_predicted! integer, tokens_evaluated! integer, prompt! string, "
      "stop_type! 'none'|'eos'|'limit'|'word', truncated! boolean, timings! object}";
  return {
      .summary = summary,
      .fields =
          "prompt! string|[string|integer(0..)|[string|integer(0..)]], model string, "
          "stream boolean = false, return_tokens boolean = false, "
          "cache_prompt boolean = true, stop string(0..256)|[string(0..256)](..16), "
          "logit_bias object|[[any](2..2)](..1024)",
      .more_fields = params_schema(),
      .replies = {{.type = type + "|[" + type + "]"},
                  {.content_type = http::kSseContentType, .type = "{event string, data! string}"}}};
}

Operation embedding_operation(std::string_view summary) {
  return {.summary = summary,
          .fields = fmt::format("{{content! {0}, model string, embd_normalize -1|2 = 2}}"
                                "|{{input! {0}, content null, model string, "
                                "embd_normalize -1|2 = 2}}",
                                kTextsType),
          .replies = {{.type = "[{index! integer, embedding! [[number]]}]"}}};
}

Operation score_operation() {
  return {
      .summary = "How alike texts are",
      .fields = fmt::format("text_1! {0}, text_2! {0}, model string", kTextsType),
      .replies = {{.type = "{id! string, object! 'list', model! string, data! [{index! integer, "
                           "object! 'score', score! number}], usage! object}"}}};
}

Operation rerank_operation() {
  return {.summary = "Documents by how well they answer a query",
          .fields = fmt::format("query! string, documents! {}, model string, "
                                "top_n integer(0..) = 0, return_documents boolean = true",
                                kTextsType),
          .replies = {{.type = "{id! string, object! 'list', model! string, usage! object, "
                               "results! [{index! integer, relevance_score! number}]}"}}};
}

}  // namespace

std::vector<http::Route> routes(ServerState& state) {
  using Handle = void (*)(ServerState&, const std::shared_ptr<http::Exchange>&);
  using http::Scope;
  const auto row = [&state](std::string method, std::string pattern, Handle handle,
                            const Operation& described, Scope scope = Scope::inference) {
    return http::Route{
        .method = std::move(method),
        .pattern = std::move(pattern),
        .handler = [&state, handle](const auto& exchange) { handle(state, exchange); },
        .body = method == "POST" ? http::BodySize::large : http::BodySize::control,
        .scope = scope,
        .error_shape = error_body,
        .operation = operation(described)};
  };
  const auto post = [&](std::string pattern, Handle handle, const Operation& described) {
    return row("POST", std::move(pattern), handle, described);
  };
  const auto get = [&](std::string pattern, Handle handle, const Operation& described,
                       Scope scope = Scope::inference) {
    return row("GET", std::move(pattern), handle, described, scope);
  };
  const auto json = [](std::string type) { return Reply{.type = std::move(type)}; };
  return {
      post("/completion", completion,
           completion_operation("A prompt's continuation, as llama-server has it")),
      post("/completions", completion, completion_operation("The same as /completion")),
      post("/tokenize", tokenize,
           {.summary = "A text or a conversation as tokens",
            .fields = "{content! string, model string, add_special boolean = false, "
                      "parse_special boolean = true, with_pieces boolean = false}"
                      "|{prompt! string, content null, messages null, model string, "
                      "add_special_tokens boolean = true, return_token_strs boolean = false}"
                      "|{content null, model string, chat_template string, "
                      "add_special_tokens boolean, return_token_strs boolean = false, messages! " +
                      messages_fields() + "}",
            .replies = {json("{tokens! [integer]|[object]}")}}),
      post("/detokenize", detokenize,
           {.summary = "Tokens as text",
            .fields = "tokens! [integer(0..)], model string",
            .replies = {json("{content! string, prompt! string}")}}),
      post("/apply-template", apply_template,
           {.summary = "A conversation as the prompt the model reads",
            .fields = "model string, messages! " + messages_fields(),
            .replies = {json("{prompt! string}")}}),
      post("/embedding", embedding,
           embedding_operation("Texts as vectors, as llama-server has it")),
      post("/embeddings", embedding, embedding_operation("The same as /embedding")),
      post("/infill", infill,
           {.summary = "Refused: filling in the middle", .replies = {}, .refusals = {501}}),
      post("/score", score, score_operation()),
      post("/v1/score", score, score_operation()),
      post("/rerank", rerank, rerank_operation()),
      post("/v1/rerank", rerank, rerank_operation()),
      post("/v2/rerank", rerank, rerank_operation()),
      post("/reranking", rerank, rerank_operation()),
      get("/props", props,
          {.summary = "The model and its defaults, as llama-server has it",
           .query = "model string",
           .replies = {json("{default_generation_settings! object, total_slots! integer, "
                            "model_alias! string, chat_template! string, bos_token! string, "
                            "eos_token! string, build_info! string}")}}),
      get("/slots", slots,
          {.summary = "The requests that are being answered",
           .query = "fail_on_no_slot string",
           .replies = {json("[{id! integer, is_processing! boolean}]")}},
          Scope::observe),
      get("/tokenizer_info", tokenizer_info,
          {.summary = "The model's tokenizer, as vLLM has it",
           .query = "model string",
           .replies = {json("{tokenizer_class! string, vocab_size! integer, "
                            "model_max_length! integer, chat_template! string}")}}),
      get("/version", version,
          {.summary = "The server's version", .replies = {json("{version! string}")}}),
      get("/ping", ping,
          {.summary = "Whether the server is there", .replies = {{.content_type = ""}}},
          Scope::open),
      post("/ping", ping,
           {.summary = "Whether the server is there", .replies = {{.content_type = ""}}}),
      get("/load", load,
          {.summary = "How many requests are being answered",
           .replies = {json("{server_load! integer}")}},
          Scope::observe),
  };
}

}  // namespace sparrow::native
