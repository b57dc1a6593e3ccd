#include "server/ollama/embedding.h"

#include <chrono>
#include <cmath>

#include "base/elapsed.h"
#include "base/error.h"
#include "server/ollama/dialect.h"
#include "server/wire.h"

namespace sparrow::ollama {
namespace {

using Clock = std::chrono::steady_clock;

struct Asked {
  std::string model;
  bool is_legacy = false;  // /api/embeddings: one vector, as long as it comes out
  int64_t dimensions = 0;  // 0: all
  Clock::time_point started_at = Clock::now();
  double load_s = 0;
  int64_t dropped_tokens = 0;
};

// Its first values, and length 1 again.
void cut_to(std::vector<float>& vector, int64_t dimensions) {
  if (dimensions <= 0 || static_cast<size_t>(dimensions) >= vector.size()) return;
  vector.resize(static_cast<size_t>(dimensions));
  double squares = 0;
  for (const float value : vector) squares += double{value} * value;
  const double length = std::sqrt(squares);
  if (length == 0) return;
  for (float& value : vector) value = static_cast<float>(value / length);
}

Json answer_of(const Asked& asked, std::vector<std::vector<float>> vectors, int64_t prompt_tokens) {
  if (asked.is_legacy)
    return {{"embedding", vectors.empty() ? std::vector<float>{} : vectors.front()}};
  for (std::vector<float>& vector : vectors) cut_to(vector, asked.dimensions);
  Json answer = {{"model", asked.model},
                 {"embeddings", vectors},
                 {"total_duration", nanoseconds(seconds_since(asked.started_at))},
                 {"load_duration", nanoseconds(asked.load_s)},
                 {"prompt_eval_count", prompt_tokens}};
  if (asked.dropped_tokens > 0) {
    answer["truncation"] = {{"policy", "keep_beginning"}, {"dropped_tokens", asked.dropped_tokens}};
  }
  return answer;
}

class Writer final : public AnswerWriter {
 public:
  Writer(std::shared_ptr<http::Exchange> exchange, Asked asked, size_t count)
      : exchange_(std::move(exchange)), asked_(std::move(asked)), vectors_(count) {}

  void write(const AnswerPart& part) override {
    if (!part.is_last()) return;
    vectors_[static_cast<size_t>(part.index)] = part.raw.embedding;
    prompt_tokens_ += part.stats.prompt_tokens;
  }
  void finish() override {
    exchange_->reply_json(200, to_wire(answer_of(asked_, std::move(vectors_), prompt_tokens_)));
  }
  void fail(const http::Failure& failure) override { exchange_->fail(failure); }

 private:
  const std::shared_ptr<http::Exchange> exchange_;
  const Asked asked_;
  std::vector<std::vector<float>> vectors_;
  int64_t prompt_tokens_ = 0;
};

// `input`: a text or a list of them. An empty text alone is no text.
std::vector<std::string> parse_input(const JsonFields& fields) {
  constexpr size_t kMostTexts = 2048;
  const Json* input = fields.find("input");
  if (input == nullptr) return {};
  if (!input->is_string() && !input->is_array())
    fail(ErrorCode::invalid_argument, "invalid input type: input must be a text or a list of them");
  std::vector<std::string> texts = fields.texts("input");
  if (input->is_string() && texts.front().empty()) return {};
  if (texts.size() > kMostTexts) {
    fail(ErrorCode::invalid_argument, "input must hold at most {} texts, got {}", kMostTexts,
         texts.size());
  }
  return texts;
}

void answer_texts(ServerState& state, const std::shared_ptr<http::Exchange>& exchange,
                  const JsonFields& fields, Asked asked, const std::vector<std::string>& texts) {
  find_for_answer(state, asked.model);
  const bool may_truncate = fields.boolean("truncate").value_or(true);
  const Clock::time_point start = Clock::now();
  Answering answering;
  answering.engine = state.models.acquire(asked.model, parse_keep_alive(fields));
  asked.load_s = seconds_since(start);
  const OpenedModel& model = opened_model(*answering.engine);
  const int64_t wanted = parse_options(fields, model).context_length;
  const int64_t most = answering.engine->info().context_length;
  const int64_t context = wanted > 0 ? std::min(wanted, most) : most;
  if (texts.empty()) {
    exchange->reply_json(200, to_wire(answer_of(asked, {}, 0)));
    return;
  }
  for (size_t i = 0; i < texts.size(); ++i) {
    std::vector<TokenId> ids =
        model.tokenizer->with_prefix(answering.engine->encode(texts[i], true));
    if (ids.empty()) fail(ErrorCode::invalid_argument, "input[{}] is empty", i);
    // The engine keeps a place for an answer.
    const int64_t count = static_cast<int64_t>(ids.size());
    const int64_t room = context - 1;
    if (count > room && !may_truncate) {
      fail(
          ErrorCode::context_full,
          "the input length exceeds the context length: input[{}] has {} tokens, and there is room "
          "for {}",
          i, count, room);
    }
    if (count > room) {
      asked.dropped_tokens += count - room;
      ids.resize(static_cast<size_t>(room));
    }
    answering.requests.push_back({.prompt = std::move(ids),
                                  .context_length = context,
                                  .pooling = Pooling::last,
                                  .normalize = !asked.is_legacy});
  }
  answering.exchange = exchange;
  answering.model = asked.model;
  answering.writer = std::make_unique<Writer>(exchange, std::move(asked), texts.size());
  answer(state, std::move(answering));
}

}  // namespace

void embed(ServerState& state, const std::shared_ptr<http::Exchange>& exchange) {
  const Json body = parse_body(exchange->request().body);
  const JsonFields fields(body);
  Asked asked = {.model = model_of(fields), .dimensions = fields.integer("dimensions").value_or(0)};
  if (asked.dimensions < 0) {
    fail(ErrorCode::invalid_argument, "dimensions must be at least 0, got {}", asked.dimensions);
  }
  answer_texts(state, exchange, fields, std::move(asked), parse_input(fields));
}

void embeddings(ServerState& state, const std::shared_ptr<http::Exchange>& exchange) {
  const Json body = parse_body(exchange->request().body);
  const JsonFields fields(body);
  std::vector<std::string> texts;
  const std::string prompt = fields.text("prompt").value_or("");
  if (!prompt.empty()) texts.push_back(prompt);
  answer_texts(state, exchange, fields, {.model = model_of(fields), .is_legacy = true}, texts);
}

}  // namespace sparrow::ollama
