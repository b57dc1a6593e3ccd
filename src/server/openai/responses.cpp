#include "server/openai/responses.h"

#include <algorithm>

#include "base/error.h"
#include "server/chat_prompt.h"
#include "server/event_writer.h"
#include "server/openai/dialect.h"
#include "server/openai/response_items.h"
#include "server/openai/response_output.h"
#include "server/openai/tokens.h"
#include "server/wire.h"

namespace sparrow::openai {
namespace {

struct Asked {
  std::string model;
  bool is_streaming = false;
  bool is_stored = true;
  bool has_parallel_calls = true;
  bool wants_logprobs = false;
  std::vector<Message> messages;  // without the instructions
  Json response;                  // as it is before anything was generated
};

class Writer final : public EventWriter {
 public:
  Writer(std::shared_ptr<http::Exchange> exchange, std::shared_ptr<Engine> engine,
         std::shared_ptr<ResponseStore> store, Asked asked)
      : EventWriter(std::move(exchange), asked.is_streaming),
        engine_(std::move(engine)),
        store_(std::move(store)),
        asked_(std::move(asked)),
        names_(opened_model(*engine_), false),
        output_([this](std::string_view type, Json fields) { emit(type, std::move(fields)); }) {}

  void write(const AnswerPart& part) override {
    begin();
    ChatDelta gained = part.chat;
    if (!asked_.has_parallel_calls) {
      std::erase_if(gained.tool_calls, [](const IndexedToolCall& call) { return call.index > 0; });
    }
    Json logprobs = Json::array();
    for (const OutputToken& token : part.raw.tokens) {
      if (asked_.wants_logprobs) logprobs.push_back(names_.chat_entry(token));
    }
    if (gained.content.empty() && !gained.reasoning.empty())
      reasoning_tokens_ += static_cast<int64_t>(part.raw.tokens.size());
    output_.add(gained, logprobs);
    if (part.is_last()) complete(part);
  }

  void finish() override {
    if (asked_.is_stored) {
      std::vector<Message> messages = std::move(asked_.messages);
      messages.push_back(output_.message());
      store_->put({.id = asked_.response["id"].get<std::string>(),
                   .key_name = exchange_->request().key_name,
                   .response = asked_.response,
                   .messages = std::move(messages)});
    }
    if (!asked_.is_streaming) {
      exchange_->reply_json(200, to_wire(asked_.response));
      return;
    }
    const bool is_complete = asked_.response["status"] == "completed";
    emit(is_complete ? "response.completed" : "response.incomplete",
         {{"response", asked_.response}});
    stream_.end();
  }

  void fail(const http::Failure& failure) override {
    if (!stream_.has_begun()) {
      fail_stream(stream_, failure);
      return;
    }
    begin();
    asked_.response["status"] = "failed";
    asked_.response["error"] = {{"code", "server_error"}, {"message", failure.message}};
    emit("response.failed", {{"response", asked_.response}});
    stream_.end();
  }

 private:
  void begin() {
    if (has_begun_) return;
    has_begun_ = true;
    emit("response.created", {{"response", asked_.response}});
    emit("response.in_progress", {{"response", asked_.response}});
  }

  void emit(std::string_view type, Json fields) {
    if (!asked_.is_streaming) return;
    Json event = {{"type", type}, {"sequence_number", event_count_++}};
    event.update(fields);
    stream_.send(event, type);
  }

  void complete(const AnswerPart& last) {
    std::string_view status = "completed";
    if (last.raw.finish_reason == FinishReason::length) status = "incomplete";
    if (last.raw.finish_reason == FinishReason::cancelled) status = "cancelled";
    output_.finish(status == "completed" ? status : "incomplete");
    Json& response = asked_.response;
    response["status"] = status;
    if (status == "incomplete") response["incomplete_details"] = {{"reason", "max_output_tokens"}};
    if (status == "completed") response["completed_at"] = unix_seconds();
    response["output"] = output_.items();
    const RequestStats& stats = last.stats;
    response["usage"] = {{"input_tokens", stats.prompt_tokens},
                         {"input_tokens_details", {{"cached_tokens", stats.cached_tokens}}},
                         {"output_tokens", stats.output_tokens},
                         {"output_tokens_details", {{"reasoning_tokens", reasoning_tokens_}}},
                         {"total_tokens", stats.prompt_tokens + stats.output_tokens}};
  }

  const std::shared_ptr<Engine> engine_;
  const std::shared_ptr<ResponseStore> store_;
  Asked asked_;
  const TokenNames names_;
  ResponseOutput output_;
  int64_t event_count_ = 0;
  int64_t reasoning_tokens_ = 0;
  bool has_begun_ = false;
};

void refuse_unserved(const JsonFields& fields) {
  refuse_constraints(fields);
  if (const Json* text = fields.object("text")) {
    const JsonFields inner(*text, "text");
    if (const Json* format = inner.object("format")) {
      const std::string type = JsonFields(*format, "text.format").required_text("type");
      if (type != "text") {
        fail(ErrorCode::unsupported,
             "text.format of type {} is not supported yet: constrained decoding comes with a later "
             "version",
             type);
      }
    }
  }
  if (fields.boolean("background").value_or(false))
    fail(ErrorCode::unsupported, "background is not supported: the answer is given at once");
  for (const char* name : {"conversation", "prompt"}) {
    if (fields.find(name) != nullptr)
      fail(ErrorCode::unsupported, "{} is not supported: send input, or previous_response_id",
           name);
  }
}

// What the client asked for, said back as OpenAI does; nothing generated yet.
Json response_json(const JsonFields& fields, const SamplingParams& params,
                   const std::string& model) {
  const auto given = [&](std::string_view name, Json otherwise = nullptr) {
    const Json* value = fields.find(name);
    return value != nullptr ? *value : otherwise;
  };
  return {{"id", "resp_" + random_hex(32)},
          {"object", "response"},
          {"created_at", unix_seconds()},
          {"status", "in_progress"},
          {"background", false},
          {"completed_at", nullptr},
          {"error", nullptr},
          {"incomplete_details", nullptr},
          {"instructions", given("instructions")},
          {"max_output_tokens", given("max_output_tokens")},
          {"model", model},
          {"output", Json::array()},
          {"parallel_tool_calls", given("parallel_tool_calls", true)},
          {"previous_response_id", given("previous_response_id")},
          {"reasoning", given("reasoning", {{"effort", nullptr}, {"summary", nullptr}})},
          {"store", given("store", true)},
          {"temperature", params.temperature},
          {"text", {{"format", {{"type", "text"}}}}},
          {"tool_choice", given("tool_choice", "auto")},
          {"tools", given("tools", Json::array())},
          {"top_p", params.top_p},
          {"truncation", given("truncation", "disabled")},
          {"usage", nullptr},
          {"user", given("user")},
          {"metadata", given("metadata", Json::object())}};
}

bool wants_logprobs(const JsonFields& fields) {
  const std::vector<std::string> included = fields.texts("include");
  return std::ranges::find(included, "message.output_text.logprobs") != included.end();
}

// Whether the oldest turns may go where the conversation is too long.
bool parse_truncation(const JsonFields& fields) {
  const std::string truncation = fields.text("truncation").value_or("disabled");
  if (truncation != "auto" && truncation != "disabled")
    fail(ErrorCode::invalid_argument, "truncation must be auto or disabled, got {}", truncation);
  return truncation == "auto";
}

http::Failure not_found(const std::string& id) {
  return {.status = 404,
          .message = fmt::format("Response with id '{}' not found.", id),
          .parameter = "id"};
}

}  // namespace

void create_response(ServerState& state, const std::shared_ptr<ResponseStore>& store,
                     const std::shared_ptr<http::Exchange>& exchange) {
  const Json body = parse_body(exchange->request().body);
  const JsonFields fields(body);
  refuse_unserved(fields);
  Asked asked;
  asked.model = fields.text("model").value_or("");
  asked.is_streaming = fields.boolean("stream").value_or(false);
  asked.is_stored = fields.boolean("store").value_or(true);
  asked.has_parallel_calls = fields.boolean("parallel_tool_calls").value_or(true);
  if (const std::string id = fields.text("previous_response_id").value_or(""); !id.empty()) {
    std::optional<KeptResponse> previous = store->find(id, exchange->request().key_name);
    if (!previous) {
      exchange->fail({.status = 400,
                      .message = fmt::format("Previous response with id '{}' not found.", id),
                      .code = "previous_response_not_found",
                      .parameter = "previous_response_id"});
      return;
    }
    asked.messages = std::move(previous->messages);
  }
  std::vector<Message> input = parse_input(fields);
  asked.messages.insert(asked.messages.end(), input.begin(), input.end());
  ChatRequest request;
  const std::string instructions = fields.text("instructions").value_or("");
  if (!instructions.empty())
    request.messages.push_back({.role = "system", .content = instructions});
  request.messages.insert(request.messages.end(), asked.messages.begin(), asked.messages.end());
  request.tools = parse_response_tools(fields);
  const bool may_drop = parse_truncation(fields);

  const std::shared_ptr<Engine> engine = state.models.acquire(asked.model);
  const OpenedModel& model = opened_model(*engine);
  SamplingParams params = parse_params(fields, model);
  params.max_tokens = parse_max_tokens(fields, {"max_output_tokens"}, -1);
  asked.wants_logprobs = wants_logprobs(fields);
  const int64_t top_logprobs = parse_logprob_count(fields, "top_logprobs");
  if (asked.wants_logprobs) params.logprobs = std::max<int64_t>(0, top_logprobs);
  asked.response = response_json(fields, params, asked.model);
  const int64_t context = engine->info().context_length;
  const ChatPrompt prompt =
      make_chat_prompt(model, request, {context, answer_room(context, -1)}, may_drop);
  if (prompt.dropped_messages > 0) asked.response["dropped_messages"] = prompt.dropped_messages;

  Answering answering;
  answering.requests = make_requests(fields, *engine, prompt.ids, params, 1);
  std::vector<TokenId>& shown = answering.requests.front().shown_tokens;
  shown.insert(shown.end(), prompt.shown_tokens.begin(), prompt.shown_tokens.end());
  answering.parsers.push_back(make_parser(prompt));
  answering.model = asked.model;
  answering.exchange = exchange;
  answering.engine = engine;
  answering.writer = std::make_unique<Writer>(exchange, engine, store, std::move(asked));
  answer(state, std::move(answering));
}

void get_response(ResponseStore& store, const std::shared_ptr<http::Exchange>& exchange) {
  const std::string id(exchange->request().path_parameter("id"));
  const std::optional<KeptResponse> kept = store.find(id, exchange->request().key_name);
  if (kept) {
    exchange->reply_json(200, to_wire(kept->response));
  } else {
    exchange->fail(not_found(id));
  }
}

void delete_response(ResponseStore& store, const std::shared_ptr<http::Exchange>& exchange) {
  const std::string id(exchange->request().path_parameter("id"));
  if (store.remove(id, exchange->request().key_name)) {
    exchange->reply_json(200, to_wire(Json{{"id", id}, {"object", "response"}, {"deleted", true}}));
  } else {
    exchange->fail(not_found(id));
  }
}

}  // namespace sparrow::openai
