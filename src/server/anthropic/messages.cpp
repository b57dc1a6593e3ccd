#include "server/anthropic/messages.h"

#include "api/model_defaults.h"
#include "base/error.h"
#include "sampling/params_json.h"
#include "server/answering.h"
#include "server/anthropic/dialect.h"
#include "server/chat_prompt.h"
#include "server/event_writer.h"
#include "server/sampling_schema.h"
#include "server/wire.h"

namespace sparrow::anthropic {
namespace {

struct Asked {
  std::string model;
  std::string id = "msg_" + random_word(24);
  bool is_streaming = false;
  int64_t prompt_tokens = 0;
};

Json parse_input(const std::string& arguments) {
  return arguments.empty() ? Json::object() : Json::parse(arguments);
}

class Writer final : public EventWriter {
 public:
  Writer(const std::shared_ptr<http::Exchange>& exchange, Asked asked)
      : EventWriter(exchange, asked.is_streaming, {{"request-id", exchange->request().id}}),
        asked_(std::move(asked)) {}

  void write(const AnswerPart& part) override {
    stats_ = part.stats;
    if (asked_.is_streaming && !has_started_) start();
    if (!part.chat.reasoning.empty()) add_text("thinking", part.chat.reasoning);
    if (!part.chat.content.empty()) add_text("text", part.chat.content);
    for (const IndexedToolCall& indexed : part.chat.tool_calls) add_call(indexed.call);
    if (!part.is_last()) return;
    reason_ = part.raw.finish_reason;
    stop_string_ = part.raw.stop_string;
  }

  void finish() override {
    if (reason_ == FinishReason::cancelled)
      return fail({.status = 503, .message = "the request was cancelled"});
    close_block();
    if (!asked_.is_streaming) {
      Json whole = message(blocks_);
      whole.update(ending());
      whole["usage"] = usage(stats_.output_tokens);
      exchange_->reply(
          200, {{"Content-Type", "application/json"}, {"request-id", exchange_->request().id}},
          to_wire(whole));
      return;
    }
    send("message_delta", {{"delta", ending()}, {"usage", usage(stats_.output_tokens)}});
    send("message_stop", Json::object());
    stream_.end();
  }

  void fail(const http::Failure& failure) override {
    if (!stream_.has_begun()) {
      exchange_->fail(failure);
      return;
    }
    http::Failure known = failure;
    known.request_id = exchange_->request().id;
    stream_.send(error_json(known), "error");
    stream_.end();
  }

 private:
  Json message(const Json& content) const {
    return {{"id", asked_.id},         {"type", "message"},  {"role", "assistant"},
            {"model", asked_.model},   {"content", content}, {"stop_reason", nullptr},
            {"stop_sequence", nullptr}};
  }

  // What came out of the cache is not among input_tokens: the three add up to the prompt.
  Json usage(int64_t output_tokens) const {
    return {{"input_tokens", asked_.prompt_tokens - stats_.cached_tokens},
            {"cache_creation_input_tokens", 0},
            {"cache_read_input_tokens", stats_.cached_tokens},
            {"output_tokens", output_tokens}};
  }

  Json ending() const {
    Json ending = {{"stop_reason", "end_turn"}, {"stop_sequence", nullptr}};
    if (!stop_string_.empty()) {
      ending = {{"stop_reason", "stop_sequence"}, {"stop_sequence", stop_string_}};
    } else if (reason_ == FinishReason::length) {
      ending["stop_reason"] = "max_tokens";
    } else if (has_calls_) {
      ending["stop_reason"] = "tool_use";
    }
    return ending;
  }

  void send(std::string_view type, Json fields) {
    Json event = {{"type", type}};
    event.update(fields);
    stream_.send(event, type);
  }

  void start() {
    has_started_ = true;
    Json start = message(Json::array());
    start["usage"] = usage(0);
    send("message_start", {{"message", std::move(start)}});
    send("ping", Json::object());
  }

  void open_block(const Json& block) {
    close_block();
    open_type_ = block["type"].get<std::string>();
    if (asked_.is_streaming)
      send("content_block_start", {{"index", block_count_}, {"content_block", block}});
    blocks_.push_back(block);
  }

  void close_block() {
    if (open_type_.empty()) return;
    open_type_.clear();
    if (asked_.is_streaming) send("content_block_stop", {{"index", block_count_}});
    ++block_count_;
  }

  void send_delta(Json delta) {
    send("content_block_delta", {{"index", block_count_}, {"delta", std::move(delta)}});
  }

  // `type`: of the block, and the field that holds its text.
  void add_text(const std::string& type, const std::string& text) {
    if (open_type_ != type) {
      Json block = {{"type", type}, {type, ""}};
      if (type == "thinking") block["signature"] = "";
      open_block(block);
    }
    if (asked_.is_streaming) {
      send_delta({{"type", type + "_delta"}, {type, text}});
    } else {
      std::string& all = blocks_.back()[type].get_ref<std::string&>();
      all += text;
    }
  }

  void add_call(const ToolCall& call) {
    has_calls_ = true;
    Json block = {
        {"type", "tool_use"}, {"id", call.id}, {"name", call.name}, {"input", Json::object()}};
    if (!asked_.is_streaming) block["input"] = parse_input(call.arguments);
    open_block(block);
    if (asked_.is_streaming) {
      const std::string input = call.arguments.empty() ? "{}" : call.arguments;
      send_delta({{"type", "input_json_delta"}, {"partial_json", input}});
    }
    close_block();
  }

  const Asked asked_;
  bool has_started_ = false;
  Json blocks_ = Json::array();
  std::string open_type_;  // of the block that takes more; empty: none does
  int64_t block_count_ = 0;
  bool has_calls_ = false;
  FinishReason reason_ = FinishReason::none;
  std::string stop_string_;
  RequestStats stats_;
};

void refuse_constraints(const JsonFields& request) {
  const Json* config = request.object("output_config");
  const bool has_format =
      config != nullptr && JsonFields(*config, "output_config").find("format") != nullptr;
  if (has_format || request.find("output_format") != nullptr) {
    fail(ErrorCode::unsupported,
         "{} is not supported yet: constrained decoding comes with a later version",
         has_format ? "output_config.format" : "output_format");
  }
}

constexpr const char* kSamplingFields[] = {"temperature", "top_p", "top_k", "seed"};

SamplingParams general_params() {
  SamplingParams general;
  general.temperature = 1;
  general.top_k = 0;
  general.top_p = 1;
  general.min_p = 0;
  return general;
}

SamplingParams parse_params(const JsonFields& request, const OpenedModel& model) {
  SamplingParams params = model_params(model.stored, model.file->metadata(), general_params());
  Json chosen = Json::object();
  for (const char* name : kSamplingFields) {
    if (const Json* value = request.find(name)) chosen[name] = *value;
  }
  if (request.list("stop_sequences") != nullptr) chosen["stop"] = request.texts("stop_sequences");
  set_sampling_fields(params, chosen);
  return params;
}

int64_t parse_max_tokens(const JsonFields& request) {
  const std::optional<int64_t> max_tokens = request.integer("max_tokens");
  if (!max_tokens) fail(ErrorCode::invalid_argument, "max_tokens is required");
  if (*max_tokens < 1)
    fail(ErrorCode::invalid_argument, "max_tokens must be at least 1, got {}", *max_tokens);
  return *max_tokens;
}

}  // namespace

Json params_schema() {
  const SamplingParams general = general_params();
  Json schema = Json::object();
  for (const char* name : kSamplingFields)
    schema[name] = sampling_schema(*find_sampling_field(name), general);
  // A list only, other than the field of the table.
  schema["stop_sequences"] = sampling_schema(*find_sampling_field("stop"), general);
  schema["stop_sequences"]["anyOf"].erase(0);
  return schema;
}

void messages(ServerState& state, const std::shared_ptr<http::Exchange>& exchange) {
  const Json body = parse_body(exchange->request().body);
  const JsonFields fields(body);
  Asked asked;
  asked.model = fields.text("model").value_or("");
  asked.is_streaming = fields.boolean("stream").value_or(false);
  const int64_t max_tokens = parse_max_tokens(fields);
  refuse_constraints(fields);
  const ChatRequest request = parse_conversation(fields);

  const std::shared_ptr<Engine> engine = state.models.acquire(asked.model);
  const OpenedModel& model = opened_model(*engine);
  Request wanted = {.params = parse_params(fields, model)};
  wanted.params.max_tokens = max_tokens;
  ChatPrompt prompt =
      make_chat_prompt(model, request, {.context_tokens = engine->info().context_length});
  asked.prompt_tokens = static_cast<int64_t>(prompt.ids.size());
  wanted.prompt = std::move(prompt.ids);
  wanted.shown_tokens = std::move(prompt.shown_tokens);

  Answering answering = {.exchange = exchange, .engine = engine, .model = asked.model};
  answering.requests.push_back(std::move(wanted));
  answering.parsers.push_back(make_parser(prompt));
  answering.writer = std::make_unique<Writer>(exchange, std::move(asked));
  answer(state, std::move(answering));
}

void count_tokens(ServerState& state, const std::shared_ptr<http::Exchange>& exchange) {
  const Json body = parse_body(exchange->request().body);
  const JsonFields fields(body);
  const ChatRequest request = parse_conversation(fields);
  const std::shared_ptr<Engine> engine = state.models.acquire(fields.text("model").value_or(""));
  const ChatPrompt prompt =
      make_chat_prompt(opened_model(*engine), request, {.context_tokens = INT64_MAX});
  exchange->reply_json(200, to_wire(Json{{"input_tokens", prompt.ids.size()}}));
}

}  // namespace sparrow::anthropic
