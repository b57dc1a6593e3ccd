#include "server/native/tokens.h"

#include "base/error.h"
#include "base/utf8.h"
#include "server/native/dialect.h"
#include "server/wire.h"

namespace sparrow::native {
namespace {

using ExchangePtr = std::shared_ptr<http::Exchange>;

std::shared_ptr<Engine> engine_of(ServerState& state, const JsonFields& request) {
  return state.models.acquire(model_name(state, request.text("model").value_or("")));
}

// The text of a token, or its bytes where they are no whole characters: llama-server's pieces.
Json piece_json(const std::string& bytes) {
  return is_valid_utf8(bytes) ? Json(bytes) : byte_numbers(bytes);
}

Json tokenize_content(const JsonFields& request, const OpenedModel& model) {
  const Tokenizer& tokenizer = *model.tokenizer;
  const std::string content = request.required_text("content");
  std::vector<TokenId> ids;
  if (request.boolean("add_special").value_or(false)) ids = tokenizer.prefix();
  const std::vector<TokenId> text =
      tokenizer.encode(content, request.boolean("parse_special").value_or(true));
  ids.insert(ids.end(), text.begin(), text.end());
  if (!request.boolean("with_pieces").value_or(false)) return {{"tokens", ids}};
  Json tokens = Json::array();
  for (const TokenId id : ids)
    tokens.push_back({{"id", id}, {"piece", piece_json(tokenizer.token_bytes(id, true))}});
  return {{"tokens", std::move(tokens)}};
}

std::vector<TokenId> prompt_ids(const JsonFields& request, const OpenedModel& model) {
  const std::optional<bool> adds_special = request.boolean("add_special_tokens");
  if (request.find("messages") == nullptr) {
    const std::string prompt = request.required_text("prompt");
    return adds_special.value_or(true) ? encode_raw(model, prompt)
                                       : model.tokenizer->encode(prompt, true);
  }
  std::shared_ptr<const ChatTemplate> chat_template = model.chat_template;
  if (const std::optional<std::string> source = request.text("chat_template"))
    chat_template = ChatTemplate::from_source(*source, model.tokenizer.get());
  return chat_template->encode(template_input(request), *model.tokenizer);
}

Json tokenize_prompt(const JsonFields& request, const Engine& engine) {
  const OpenedModel& model = opened_model(engine);
  const std::vector<TokenId> ids = prompt_ids(request, model);
  Json answer = {{"count", ids.size()},
                 {"max_model_len", engine.info().context_length},
                 {"tokens", ids},
                 {"token_strs", nullptr}};
  if (request.boolean("return_token_strs").value_or(false)) {
    answer["token_strs"] = Json::array();
    for (const TokenId id : ids) answer["token_strs"].push_back(model.tokenizer->piece(id));
  }
  return answer;
}

}  // namespace

void tokenize(ServerState& state, const ExchangePtr& exchange) {
  const Json body = parse_body(exchange->request().body);
  const JsonFields fields(body);
  const bool is_llama = fields.find("content") != nullptr;
  if (!is_llama && fields.find("prompt") == nullptr && fields.find("messages") == nullptr)
    fail(ErrorCode::invalid_argument, "prompt, messages or content is required");
  const std::shared_ptr<Engine> engine = engine_of(state, fields);
  exchange->reply_json(200, to_wire(is_llama ? tokenize_content(fields, opened_model(*engine))
                                             : tokenize_prompt(fields, *engine)));
}

// Both ask for the same, so both get theirs: llama-server's `content`, vLLM's `prompt`.
void detokenize(ServerState& state, const ExchangePtr& exchange) {
  const Json body = parse_body(exchange->request().body);
  const JsonFields fields(body);
  const Json* tokens = fields.list("tokens");
  if (tokens == nullptr) fail(ErrorCode::invalid_argument, "tokens is required");
  const std::shared_ptr<Engine> engine = engine_of(state, fields);
  const std::string text =
      engine->decode(parse_ids(*tokens, "tokens", opened_model(*engine)), true);
  exchange->reply_json(200, to_wire(Json{{"content", text}, {"prompt", text}}));
}

void apply_template(ServerState& state, const ExchangePtr& exchange) {
  const Json body = parse_body(exchange->request().body);
  const JsonFields fields(body);
  const TemplateInput input = template_input(fields);
  const std::shared_ptr<Engine> engine = engine_of(state, fields);
  std::string prompt;
  for (const Segment& segment : opened_model(*engine).chat_template->render(input))
    prompt += segment.text;
  exchange->reply_json(200, to_wire(Json{{"prompt", prompt}}));
}

void tokenizer_info(ServerState& state, const ExchangePtr& exchange) {
  const std::string asked(exchange->request().query_value("model"));
  const std::shared_ptr<Engine> engine = state.models.acquire(model_name(state, asked));
  const OpenedModel& model = opened_model(*engine);
  const Tokenizer& tokenizer = *model.tokenizer;
  const auto spelling = [&](std::optional<TokenId> id) {
    return id ? Json(tokenizer.piece(*id)) : Json();
  };
  exchange->reply_json(200, to_wire(Json{{"tokenizer_class", "GGUF"},
                                         {"bos_token", spelling(tokenizer.bos())},
                                         {"eos_token", spelling(tokenizer.eos())},
                                         {"add_bos_token", tokenizer.adds_bos()},
                                         {"vocab_size", tokenizer.vocabulary_size()},
                                         {"model_max_length", engine->info().context_length},
                                         {"chat_template", model.chat_template->source()}}));
}

}  // namespace sparrow::native
