#include "server/native/completion.h"

#include <random>

#include "base/error.h"
#include "server/answering.h"
#include "server/event_writer.h"
#include "server/native/completion_request.h"
#include "server/native/dialect.h"
#include "server/wire.h"

namespace sparrow::native {
namespace {

struct Asked {
  std::string model;
  bool is_list = false;
  bool is_streaming = false;
  bool wants_tokens = false;
  bool wants_probabilities = false;
  std::vector<std::string> prompts;  // as text
  Json settings;
};

// One of the answers.
struct Completion {
  std::string text;  // not of a stream: there it went before
  std::vector<int32_t> ids;
  bool has_new_line = false;
  Json probabilities = Json::array();
  FinishReason reason = FinishReason::none;
  std::string stop_string;
  RequestStats stats;
};

std::string_view stop_type(const Completion& completion) {
  if (!completion.stop_string.empty()) return "word";
  if (completion.reason == FinishReason::stop) return "eos";
  return completion.reason == FinishReason::length ? "limit" : "none";
}

// Of one phase: how many tokens, and how long they took.
void put_speed(Json& timings, const std::string& phase, int64_t count, double seconds) {
  const double per_token = count > 0 ? seconds / static_cast<double>(count) : 0;
  timings[phase + "_n"] = count;
  timings[phase + "_ms"] = seconds * 1e3;
  timings[phase + "_per_token_ms"] = per_token * 1e3;
  timings[phase + "_per_second"] = per_token > 0 ? 1 / per_token : 0;
}

Json timings_json(const RequestStats& stats) {
  Json timings = {{"cache_n", stats.cached_tokens}};
  put_speed(timings, "prompt", stats.prompt_tokens - stats.cached_tokens, stats.prefill_s);
  put_speed(timings, "predicted", stats.output_tokens, stats.decode_s);
  return timings;
}

class Writer final : public EventWriter {
 public:
  Writer(std::shared_ptr<http::Exchange> exchange, std::shared_ptr<Engine> engine, Asked asked)
      : EventWriter(std::move(exchange), asked.is_streaming),
        engine_(std::move(engine)),
        asked_(std::move(asked)),
        completions_(asked_.prompts.size()) {}

  void write(const AnswerPart& part) override {
    Completion& completion = completions_[static_cast<size_t>(part.index)];
    std::vector<int32_t> ids;
    for (const OutputToken& token : part.raw.tokens) ids.push_back(token.id);
    const Json probabilities = probabilities_of(part.raw);
    completion.ids.insert(completion.ids.end(), ids.begin(), ids.end());
    completion.stats = part.stats;
    if (part.raw.text.find('\n') != std::string::npos) completion.has_new_line = true;
    if (!asked_.is_streaming) {
      completion.text += part.raw.text;
      completion.probabilities.insert(completion.probabilities.end(), probabilities.begin(),
                                      probabilities.end());
    } else if (!part.raw.text.empty() || !ids.empty()) {
      Json event = {{"index", part.index},
                    {"content", part.raw.text},
                    {"tokens", ids},
                    {"stop", false},
                    {"id_slot", 0},
                    {"tokens_predicted", completion.ids.size()},
                    {"tokens_evaluated", part.stats.prompt_tokens}};
      if (asked_.wants_probabilities) event["completion_probabilities"] = probabilities;
      stream_.send(event);
    }
    if (!part.is_last()) return;
    completion.reason = part.raw.finish_reason;
    completion.stop_string = part.raw.stop_string;
    if (asked_.is_streaming) stream_.send(whole(part.index));
  }

  void finish() override {
    if (asked_.is_streaming) return stream_.end();
    Json list = Json::array();
    for (size_t i = 0; i < completions_.size(); ++i) list.push_back(whole(static_cast<int64_t>(i)));
    exchange_->reply_json(200, to_wire(asked_.is_list ? list : list[0]));
  }

  void fail(const http::Failure& failure) override {
    if (!stream_.has_begun()) {
      exchange_->fail(failure);
      return;
    }
    stream_.send(error_json(failure));
    stream_.end();
  }

 private:
  Json token_json(int32_t id, float logprob) const {
    const std::string bytes = opened_model(*engine_).tokenizer->token_bytes(id, true);
    return {{"id", id}, {"token", bytes}, {"bytes", byte_numbers(bytes)}, {"logprob", logprob}};
  }

  Json probabilities_of(const TextDelta& delta) const {
    Json list = Json::array();
    if (!asked_.wants_probabilities) return list;
    for (const OutputToken& token : delta.tokens) {
      Json entry = token_json(token.id, token.logprob);
      entry["top_logprobs"] = Json::array();
      for (const TokenLogprob& top : token.top)
        entry["top_logprobs"].push_back(token_json(top.id, top.logprob));
      list.push_back(std::move(entry));
    }
    return list;
  }

  Json whole(int64_t index) const {
    const Completion& completion = completions_[static_cast<size_t>(index)];
    const bool has_tokens = asked_.wants_tokens && !asked_.is_streaming;
    Json json = {{"index", index},
                 {"content", completion.text},
                 {"tokens", has_tokens ? Json(completion.ids) : Json::array()},
                 {"id_slot", 0},
                 {"stop", true},
                 {"model", asked_.model},
                 {"tokens_predicted", completion.stats.output_tokens},
                 {"tokens_evaluated", completion.stats.prompt_tokens},
                 {"generation_settings", asked_.settings},
                 {"prompt", asked_.prompts[static_cast<size_t>(index)]},
                 {"has_new_line", completion.has_new_line},
                 {"truncated", completion.stats.dropped_tokens > 0},
                 {"stop_type", stop_type(completion)},
                 {"stopping_word", completion.stop_string},
                 {"tokens_cached", completion.stats.cached_tokens},
                 {"timings", timings_json(completion.stats)}};
    json["generation_settings"]["seed"] = completion.stats.seed;
    if (asked_.wants_probabilities && !asked_.is_streaming)
      json["completion_probabilities"] = completion.probabilities;
    return json;
  }

  const std::shared_ptr<Engine> engine_;
  const Asked asked_;
  std::vector<Completion> completions_;
};

}  // namespace

void completion(ServerState& state, const std::shared_ptr<http::Exchange>& exchange) {
  const Json body = parse_body(exchange->request().body);
  const JsonFields fields(body);
  Asked asked;
  asked.model = model_name(state, fields.text("model").value_or(""));
  asked.is_streaming = fields.boolean("stream").value_or(false);
  asked.wants_tokens = fields.boolean("return_tokens").value_or(false);
  fields.boolean("cache_prompt");  // prompts that begin alike always share what is computed

  const std::shared_ptr<Engine> engine = state.models.acquire(asked.model);
  const OpenedModel& model = opened_model(*engine);
  const SamplingParams params = parse_params(fields, model);
  Prompts prompts = parse_prompts(fields, model);
  asked.is_list = prompts.is_list;
  asked.wants_probabilities = params.logprobs >= 0;
  asked.settings = settings_json(params);
  asked.settings["stream"] = asked.is_streaming;

  Answering answering = {.exchange = exchange, .engine = engine, .model = asked.model};
  for (std::vector<TokenId>& ids : prompts.ids) {
    asked.prompts.push_back(engine->decode(ids, true));
    answering.requests.push_back({.prompt = std::move(ids), .params = params});
  }
  answering.writer = std::make_unique<Writer>(exchange, engine, std::move(asked));
  answer(state, std::move(answering));
}

}  // namespace sparrow::native
