// llama-server's and vLLM's extra routes: a row each.
#include "server/native/completion.h"
#include "server/native/dialect.h"
#include "server/native/ranking.h"
#include "server/native/server_info.h"
#include "server/native/tokens.h"
#include "server/operation.h"

namespace sparrow::native {
namespace {

constexpr std::string_view kCompletionFields =
    "prompt! string|array, model string, n_predict integer, stream boolean, stop array|string, "
    "temperature number, top_k integer, top_p number, min_p number, seed integer, "
    "repeat_penalty number, repeat_last_n integer, n_probs integer, return_tokens boolean, "
    "cache_prompt boolean, logit_bias array|object, ignore_eos boolean";
constexpr std::string_view kTokenizeFields =
    "model string, prompt string, messages array, content string, add_special_tokens boolean, "
    "return_token_strs boolean, add_special boolean, parse_special boolean, with_pieces boolean";
constexpr std::string_view kScoreFields =
    "text_1! string|array, text_2! string|array, model string";
constexpr std::string_view kRerankFields =
    "query! string, documents! array, model string, top_n integer, return_documents boolean";

}  // namespace

std::vector<http::Route> routes(ServerState& state) {
  using Handle = void (*)(ServerState&, const std::shared_ptr<http::Exchange>&);
  const auto post = [&state](std::string pattern, Handle handle, std::string_view summary,
                             std::string_view fields) {
    return http::Route{
        .method = "POST",
        .pattern = std::move(pattern),
        .handler = [&state, handle](const auto& exchange) { handle(state, exchange); },
        .body = http::BodySize::large,
        .error_shape = error_body,
        .operation = operation(summary, fields)};
  };
  const auto get = [&state](std::string pattern, Handle handle, std::string_view summary,
                            http::Scope scope = http::Scope::inference) {
    return http::Route{
        .method = "GET",
        .pattern = std::move(pattern),
        .handler = [&state, handle](const auto& exchange) { handle(state, exchange); },
        .scope = scope,
        .error_shape = error_body,
        .operation = operation(summary)};
  };
  using http::Scope;
  return {
      post("/completion", completion, "A prompt's continuation, as llama-server has it",
           kCompletionFields),
      post("/completions", completion, "The same as /completion", kCompletionFields),
      post("/tokenize", tokenize, "A text or a conversation as tokens", kTokenizeFields),
      post("/detokenize", detokenize, "Tokens as text", "tokens! array, model string"),
      post("/apply-template", apply_template, "A conversation as the prompt the model reads",
           "messages! array, tools array, model string, add_generation_prompt boolean"),
      post("/embedding", embedding, "Texts as vectors, as llama-server has it",
           "content string|array, model string, embd_normalize integer"),
      post("/embeddings", embedding, "The same as /embedding",
           "content string|array, model string, embd_normalize integer"),
      post("/infill", infill, "Refused: filling in the middle", "input_prefix string"),
      post("/score", score, "How alike texts are", kScoreFields),
      post("/v1/score", score, "How alike texts are", kScoreFields),
      post("/rerank", rerank, "Documents by how well they answer a query", kRerankFields),
      post("/v1/rerank", rerank, "Documents by how well they answer a query", kRerankFields),
      post("/v2/rerank", rerank, "Documents by how well they answer a query", kRerankFields),
      post("/reranking", rerank, "Documents by how well they answer a query", kRerankFields),
      get("/props", props, "The model and its defaults, as llama-server has it"),
      get("/slots", slots, "The requests that are being answered", Scope::observe),
      get("/tokenizer_info", tokenizer_info, "The model's tokenizer, as vLLM has it"),
      get("/version", version, "The server's version"),
      get("/ping", ping, "Whether the server is there", Scope::open),
      post("/ping", ping, "Whether the server is there", ""),
      get("/load", load, "How many requests are being answered", Scope::observe),
  };
}

}  // namespace sparrow::native
