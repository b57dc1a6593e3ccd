#include "server/native/ranking.h"

#include <algorithm>
#include <numeric>

#include "api/model_defaults.h"
#include "base/error.h"
#include "server/chat_prompt.h"
#include "server/native/dialect.h"
#include "server/native/waiting.h"
#include "server/wire.h"

namespace sparrow::native {
namespace {

using ExchangePtr = std::shared_ptr<http::Exchange>;

constexpr size_t kMostTexts = 1024;

constexpr std::string_view kJudge =
    "Judge whether the Document meets the requirements based on the Query and the Instruct "
    "provided. Note that the answer can only be \"yes\" or \"no\".";
constexpr std::string_view kInstruct =
    "Given a web search query, retrieve relevant passages that answer the query";

// A text, or a list of texts, each a string or {"text": …}.
std::vector<std::string> parse_texts(const JsonFields& request, std::string_view name) {
  const Json* value = request.find(name);
  if (value == nullptr) fail(ErrorCode::invalid_argument, "{} is required", name);
  if (value->is_string()) return {value->get<std::string>()};
  if (!value->is_array()) request.refuse(name, "a string or a list of strings", *value);
  if (value->empty() || value->size() > kMostTexts) {
    fail(ErrorCode::invalid_argument, "{} must hold 1 to {} texts, got {}", name, kMostTexts,
         value->size());
  }
  std::vector<std::string> texts;
  for (size_t i = 0; i < value->size(); ++i) {
    const Json& text = (*value)[i];
    const std::string path = fmt::format("{}[{}]", name, i);
    texts.push_back(text.is_string() ? text.get<std::string>()
                                     : JsonFields(text, path).required_text("text"));
  }
  return texts;
}

// For a comparison: a model that was not made for it says more in all of its states than in the
// last, which mostly knows what would follow.
std::vector<float> embed_text(Waiting& waiting, Engine& engine, const std::string& text) {
  const OpenedModel& model = opened_model(engine);
  return waiting.embed(engine, encode_raw(model, text),
                       model_pooling(model.file->metadata(), Pooling::mean), true);
}

double dot(const std::vector<float>& a, const std::vector<float>& b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += double{a[i]} * double{b[i]};
  return sum;
}

// "yes" and "no" as an answer begins with them.
std::vector<std::vector<TokenId>> labels_of(const OpenedModel& model) {
  return {model.tokenizer->encode("yes"), model.tokenizer->encode("no")};
}

double relevance(Waiting& waiting, Engine& engine, const std::string& query,
                 const std::string& document) {
  waiting.check();
  ChatRequest request;
  request.messages = {{.role = "system", .content = std::string(kJudge)},
                      {.role = "user",
                       .content = fmt::format("<Instruct>: {}\n<Query>: {}\n<Document>: {}",
                                              kInstruct, query, document)}};
  request.variables = R"({"enable_thinking": false})";
  const OpenedModel& model = opened_model(engine);
  const ChatPrompt prompt =
      make_chat_prompt(model, request, {.context_tokens = engine.info().context_length});
  return waiting.classify(engine, prompt.ids, labels_of(model)).front();
}

Json usage_json(const Waiting& waiting) {
  return {{"prompt_tokens", waiting.tokens()}, {"total_tokens", waiting.tokens()}};
}

}  // namespace

void score(ServerState& state, const ExchangePtr& exchange) {
  const Json body = parse_body(exchange->request().body);
  const JsonFields fields(body);
  std::vector<std::string> first = parse_texts(fields, "text_1");
  const std::vector<std::string> second = parse_texts(fields, "text_2");
  // One text stands against each of the others.
  if (first.size() == 1) first.resize(second.size(), first.front());
  if (first.size() != second.size()) {
    fail(ErrorCode::invalid_argument,
         "text_1 must be one text or as many as text_2 has, which are {}, got {}", second.size(),
         first.size());
  }
  const std::string model = model_name(state, fields.text("model").value_or(""));
  const std::shared_ptr<Engine> engine = state.models.acquire(model);
  const std::unique_ptr<Waiting> waiting = Waiting::begin(state, exchange, model);
  if (waiting == nullptr) return;
  Json data = Json::array();
  std::vector<float> left;
  for (size_t i = 0; i < first.size(); ++i) {
    if (i == 0 || first[i] != first[i - 1]) left = embed_text(*waiting, *engine, first[i]);
    const std::vector<float> right = embed_text(*waiting, *engine, second[i]);
    data.push_back({{"index", i}, {"object", "score"}, {"score", dot(left, right)}});
  }
  exchange->reply_json(200, to_wire(Json{{"id", "score-" + random_hex(32)},
                                         {"object", "list"},
                                         {"created", unix_seconds()},
                                         {"model", model},
                                         {"data", data},
                                         {"usage", usage_json(*waiting)}}));
}

void rerank(ServerState& state, const ExchangePtr& exchange) {
  const Json body = parse_body(exchange->request().body);
  const JsonFields fields(body);
  const std::string query = fields.required_text("query");
  const std::vector<std::string> documents = parse_texts(fields, "documents");
  const int64_t top_n = fields.integer("top_n").value_or(0);
  if (top_n < 0) fail(ErrorCode::invalid_argument, "top_n must be at least 0, got {}", top_n);
  const std::string model = model_name(state, fields.text("model").value_or(""));
  const std::shared_ptr<Engine> engine = state.models.acquire(model);
  const std::unique_ptr<Waiting> waiting = Waiting::begin(state, exchange, model);
  if (waiting == nullptr) return;
  std::vector<double> scores;
  for (const std::string& document : documents)
    scores.push_back(relevance(*waiting, *engine, query, document));

  std::vector<size_t> order(documents.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::ranges::stable_sort(order, [&](size_t a, size_t b) { return scores[a] > scores[b]; });
  if (top_n > 0 && order.size() > static_cast<size_t>(top_n))
    order.resize(static_cast<size_t>(top_n));
  const bool has_documents = fields.boolean("return_documents").value_or(true);
  Json results = Json::array();
  for (const size_t i : order) {
    Json result = {{"index", i}};
    if (has_documents) result["document"] = {{"text", documents[i]}};
    result["relevance_score"] = scores[i];
    results.push_back(std::move(result));
  }
  exchange->reply_json(200, to_wire(Json{{"id", "rerank-" + random_hex(32)},
                                         {"object", "list"},
                                         {"model", model},
                                         {"usage", usage_json(*waiting)},
                                         {"results", results}}));
}

void embedding(ServerState& state, const ExchangePtr& exchange) {
  const Json body = parse_body(exchange->request().body);
  const JsonFields fields(body);
  const std::vector<std::string> texts =
      parse_texts(fields, fields.find("content") != nullptr ? "content" : "input");
  // 2 is the Euclidean norm, which is what is made; -1 leaves the vector as it is.
  const int64_t norm = fields.integer("embd_normalize").value_or(2);
  if (norm != 2 && norm != -1) {
    fail(ErrorCode::invalid_argument, "embd_normalize must be 2 (to length 1) or -1 (not), got {}",
         norm);
  }
  const std::string model = model_name(state, fields.text("model").value_or(""));
  const std::shared_ptr<Engine> engine = state.models.acquire(model);
  const std::unique_ptr<Waiting> waiting = Waiting::begin(state, exchange, model);
  if (waiting == nullptr) return;
  Json answer = Json::array();
  for (size_t i = 0; i < texts.size(); ++i) {
    const OpenedModel& opened = opened_model(*engine);
    const std::vector<float> vector =
        waiting->embed(*engine, encode_raw(opened, texts[i]),
                       model_pooling(opened.file->metadata(), Pooling::last), norm == 2);
    answer.push_back({{"index", i}, {"embedding", Json::array({vector})}});
  }
  exchange->reply_json(200, to_wire(answer));
}

}  // namespace sparrow::native
