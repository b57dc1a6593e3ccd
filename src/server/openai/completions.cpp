#include "server/openai/completions.h"

#include <algorithm>
#include <numeric>

#include "base/error.h"
#include "server/event_writer.h"
#include "server/openai/dialect.h"
#include "server/openai/prompts.h"
#include "server/openai/tokens.h"
#include "server/wire.h"

namespace sparrow::openai {
namespace {

constexpr size_t kMostPrompts = 256;
constexpr int64_t kDefaultMaxTokens = 16;

struct Asked {
  std::string model;
  std::string id = "cmpl-" + random_hex(24);
  int64_t created = unix_seconds();
  std::vector<std::vector<TokenId>> prompts;
  int64_t given_count = 1;  // answers a prompt that the client gets
  int64_t tried_count = 1;  // of so many
  bool is_streaming = false;
  bool includes_usage = false;
  bool wants_logprobs = false;
  bool wants_prompt_logprobs = false;
  bool names_tokens_by_id = false;
  bool includes_stop = false;
  bool echoes = false;
};

// One answer, and with echo its prompt in front.
struct Choice {
  std::string text;
  TokenLists logprobs;
  std::vector<OutputToken> prompt_tokens;
  FinishReason reason = FinishReason::none;
  Json stop_reason;
  RequestStats stats;
  bool has_echoed = false;
  double logprob = 0;  // of its tokens, summed
};

class Writer final : public EventWriter {
 public:
  Writer(std::shared_ptr<http::Exchange> exchange, std::shared_ptr<Engine> engine, Asked asked)
      : EventWriter(std::move(exchange), asked.is_streaming),
        engine_(std::move(engine)),
        asked_(std::move(asked)),
        names_(opened_model(*engine_), asked_.names_tokens_by_id),
        choices_(asked_.prompts.size() * static_cast<size_t>(asked_.tried_count)) {}

  void write(const AnswerPart& part) override {
    Choice& choice = choices_[static_cast<size_t>(part.index)];
    const TextDelta& raw = part.raw;
    choice.prompt_tokens.insert(choice.prompt_tokens.end(), raw.prompt_tokens.begin(),
                                raw.prompt_tokens.end());
    // The prompt's tokens come before all of the answer.
    const bool is_answering = part.is_last() || !raw.tokens.empty() || !raw.text.empty();
    if (asked_.echoes && is_answering && !choice.has_echoed) echo(choice, prompt_of(part.index));
    choice.text += part.raw.text;
    for (const OutputToken& token : raw.tokens) {
      choice.logprob += static_cast<double>(token.logprob);
      if (asked_.wants_logprobs) choice.logprobs.add(names_, token);
    }
    if (part.is_last()) end(choice, part);
    if (asked_.is_streaming) stream(part, choice);
  }

  void finish() override {
    if (!asked_.is_streaming) {
      exchange_->reply_json(200, to_wire(whole()));
      return;
    }
    if (asked_.includes_usage) {
      Json chunk = answer_with(Json::array());
      chunk["usage"] = usage();
      stream_.send(chunk);
    }
    stream_.end_with_done();
  }

  void fail(const http::Failure& failure) override { fail_stream(stream_, failure); }

 private:
  const std::vector<TokenId>& prompt_of(int64_t index) const {
    return asked_.prompts[static_cast<size_t>(index / asked_.tried_count)];
  }

  void echo(Choice& choice, const std::vector<TokenId>& prompt) const {
    choice.has_echoed = true;
    choice.text += engine_->decode(prompt, true);
    if (!asked_.wants_logprobs) return;
    choice.logprobs.add_unscored(names_, prompt.front());
    for (const OutputToken& token : choice.prompt_tokens) choice.logprobs.add(names_, token);
  }

  void end(Choice& choice, const AnswerPart& part) const {
    choice.reason = part.raw.finish_reason;
    choice.stop_reason = stop_reason(part.raw, opened_model(*engine_));
    choice.stats = part.stats;
    if (asked_.includes_stop) choice.text += part.raw.stop_string;
    // lm-eval asks for one token behind the prompt and takes that one off: an end counts.
    if (asked_.echoes && asked_.wants_logprobs && part.raw.stop_token >= 0)
      choice.logprobs.add_unscored(names_, part.raw.stop_token);
  }

  Json choice_json(int64_t index, Choice& choice, bool is_last) const {
    const Json reason = is_last ? Json(finish_reason(choice.reason, false)) : Json();
    return {{"index", index},
            {"text", std::exchange(choice.text, {})},
            {"logprobs", asked_.wants_logprobs ? choice.logprobs.take() : Json()},
            {"finish_reason", reason},
            {"stop_reason", choice.stop_reason}};
  }

  Json answer_with(Json choices) const {
    Json answer = {{"id", asked_.id},
                   {"object", "text_completion"},
                   {"created", asked_.created},
                   {"model", asked_.model},
                   {"choices", std::move(choices)}};
    if (asked_.is_streaming && asked_.includes_usage) answer["usage"] = nullptr;
    return answer;
  }

  void stream(const AnswerPart& part, Choice& choice) {
    if (choice.text.empty() && choice.logprobs.is_empty() && !part.is_last()) return;
    stream_.send(answer_with(Json::array({choice_json(part.index, choice, part.is_last())})));
  }

  // The best answers of a prompt, by the mean logprob of their tokens.
  std::vector<size_t> best_of(size_t prompt_index) const {
    const size_t tried = static_cast<size_t>(asked_.tried_count);
    std::vector<size_t> best(tried);
    std::iota(best.begin(), best.end(), prompt_index * tried);
    const auto mean = [this](size_t index) {
      const Choice& choice = choices_[index];
      return choice.logprob / static_cast<double>(std::max<int64_t>(1, choice.stats.output_tokens));
    };
    if (asked_.tried_count > asked_.given_count)
      std::ranges::stable_sort(best, std::ranges::greater(), mean);
    best.resize(static_cast<size_t>(asked_.given_count));
    return best;
  }

  Json prompt_logprobs(const Choice& choice) const {
    Json list = Json::array({nullptr});  // nothing stands before the first token
    for (const OutputToken& token : choice.prompt_tokens)
      list.push_back(names_.prompt_entry(token));
    return list;
  }

  Json whole() {
    Json list = Json::array();
    for (size_t i = 0; i < asked_.prompts.size(); ++i) {
      const Choice& scored = choices_[i * static_cast<size_t>(asked_.tried_count)];
      for (const size_t index : best_of(i)) {
        list.push_back(choice_json(static_cast<int64_t>(list.size()), choices_[index], true));
        if (asked_.wants_prompt_logprobs) list.back()["prompt_logprobs"] = prompt_logprobs(scored);
      }
    }
    Json answer = answer_with(std::move(list));
    answer["usage"] = usage();
    return answer;
  }

  Json usage() const {
    int64_t prompt = 0;
    int64_t output = 0;
    int64_t cached = 0;
    for (size_t i = 0; i < choices_.size(); ++i) {
      output += choices_[i].stats.output_tokens;
      if (i % static_cast<size_t>(asked_.tried_count) != 0) continue;
      prompt += choices_[i].stats.prompt_tokens;
      cached += choices_[i].stats.cached_tokens;
    }
    return usage_json(prompt, output, cached);
  }

  const std::shared_ptr<Engine> engine_;
  const Asked asked_;
  const TokenNames names_;
  std::vector<Choice> choices_;
};

Asked parse_asked(const JsonFields& fields) {
  Asked asked;
  asked.model = fields.text("model").value_or("");
  asked.is_streaming = fields.boolean("stream").value_or(false);
  asked.includes_usage = parse_include_usage(fields);
  asked.names_tokens_by_id = fields.boolean("return_tokens_as_token_ids").value_or(false);
  asked.includes_stop = fields.boolean("include_stop_str_in_output").value_or(false);
  asked.echoes = fields.boolean("echo").value_or(false);
  asked.given_count = parse_count(fields, "n");
  asked.tried_count = asked.given_count;
  if (fields.find("best_of") != nullptr) asked.tried_count = parse_count(fields, "best_of");
  if (asked.tried_count < asked.given_count) {
    fail(ErrorCode::invalid_argument, "best_of must be at least n, {}, got {}", asked.given_count,
         asked.tried_count);
  }
  if (asked.is_streaming && asked.tried_count > asked.given_count)
    fail(ErrorCode::invalid_argument,
         "best_of must be n in a stream: the best is known at the end");
  if (!fields.text("suffix").value_or("").empty()) {
    fail(ErrorCode::unsupported,
         "suffix is not supported: put the model's own infill tokens into the prompt");
  }
  return asked;
}

void parse_logprobs(const JsonFields& fields, Asked& asked, SamplingParams& params) {
  params.logprobs = parse_logprob_count(fields, "logprobs");
  params.prompt_logprobs = parse_logprob_count(fields, "prompt_logprobs");
  asked.wants_logprobs = params.logprobs >= 0;
  asked.wants_prompt_logprobs = params.prompt_logprobs >= 0;
  if (asked.wants_prompt_logprobs && asked.is_streaming)
    fail(ErrorCode::invalid_argument, "prompt_logprobs needs stream to be false");
  if (asked.echoes && asked.wants_logprobs)
    params.prompt_logprobs = std::max(params.prompt_logprobs, params.logprobs);
  if (asked.tried_count > asked.given_count)
    params.logprobs = std::max<int64_t>(0, params.logprobs);
}

}  // namespace

void completions(ServerState& state, const std::shared_ptr<http::Exchange>& exchange) {
  const Json body = parse_body(exchange->request().body);
  const JsonFields fields(body);
  refuse_constraints(fields);
  Asked asked = parse_asked(fields);

  const std::shared_ptr<Engine> engine = state.models.acquire(asked.model);
  const OpenedModel& model = opened_model(*engine);
  asked.prompts = parse_prompts(fields, "prompt", model, kMostPrompts);
  SamplingParams params = parse_params(fields, model);
  params.max_tokens =
      parse_max_tokens(fields, {"max_tokens", "max_completion_tokens"}, kDefaultMaxTokens);
  parse_logprobs(fields, asked, params);

  Answering answering;
  for (const std::vector<TokenId>& prompt : asked.prompts) {
    for (Request& wanted : make_requests(fields, *engine, prompt, params, asked.tried_count))
      answering.requests.push_back(std::move(wanted));
  }
  answering.model = asked.model;
  answering.exchange = exchange;
  answering.engine = engine;
  answering.writer = std::make_unique<Writer>(exchange, engine, std::move(asked));
  answer(state, std::move(answering));
}

}  // namespace sparrow::openai
