#include "server/openai/chat_completions.h"

#include <random>

#include "base/error.h"
#include "server/chat_prompt.h"
#include "server/http/sse.h"
#include "server/openai/dialect.h"
#include "server/wire.h"

namespace sparrow::openai {
namespace {

struct Asked {
  std::string model;
  std::string id = "chatcmpl-" + random_hex(24);
  int64_t created = unix_seconds();
  int64_t answer_count = 1;
  bool is_streaming = false;
  bool includes_usage = false;
  bool wants_logprobs = false;
};

// One choice of an answer that is not streamed.
struct Choice {
  ChatDelta chat;
  Json logprobs = Json::array();
  FinishReason reason = FinishReason::none;
  RequestStats stats;
  bool has_begun = false;
  bool has_calls = false;
};

class Writer final : public AnswerWriter {
 public:
  Writer(std::shared_ptr<http::Exchange> exchange, std::shared_ptr<Engine> engine, Asked asked)
      : exchange_(std::move(exchange)),
        engine_(std::move(engine)),
        asked_(std::move(asked)),
        choices_(static_cast<size_t>(asked_.answer_count)) {}

  void write(const AnswerPart& part) override {
    Choice& choice = choices_[static_cast<size_t>(part.index)];
    const Json logprobs = logprobs_of(part.raw);
    if (!part.chat.tool_calls.empty()) choice.has_calls = true;
    if (part.is_last()) {
      choice.reason = part.raw.finish_reason;
      choice.stats = part.stats;
    }
    if (asked_.is_streaming) return stream(part, choice, logprobs);
    choice.chat.content += part.chat.content;
    choice.chat.reasoning += part.chat.reasoning;
    choice.chat.tool_calls.insert(choice.chat.tool_calls.end(), part.chat.tool_calls.begin(),
                                  part.chat.tool_calls.end());
    choice.logprobs.insert(choice.logprobs.end(), logprobs.begin(), logprobs.end());
  }

  void finish() override {
    if (!asked_.is_streaming) {
      exchange_->reply_json(200, to_wire(whole()));
      return;
    }
    if (asked_.includes_usage) {
      Json chunk = chunk_with(Json::array());
      chunk["usage"] = usage();
      send(chunk);
    }
    exchange_->write(http::sse_done());
    exchange_->end();
  }

  void fail(const http::Failure& failure) override {
    if (!exchange_->has_begun()) {
      exchange_->fail(failure);
      return;
    }
    exchange_->write(http::sse_event(to_wire(error_json(failure))));
    exchange_->write(http::sse_done());
    exchange_->end();
  }

 private:
  static Json calls_json(const std::vector<IndexedToolCall>& calls, bool with_index) {
    Json list = Json::array();
    for (const IndexedToolCall& indexed : calls) {
      Json call = Json::object();
      if (with_index) call["index"] = indexed.index;
      const std::string& arguments = indexed.call.arguments;
      call["id"] = indexed.call.id;
      call["type"] = "function";
      call["function"] = {{"name", indexed.call.name},
                          {"arguments", arguments.empty() ? "{}" : arguments}};
      list.push_back(std::move(call));
    }
    return list;
  }

  Json token_json(int32_t id, float logprob) const {
    const std::string text = engine_->decode(std::vector<int32_t>{id}, true);
    const std::string bytes = opened_model(*engine_).tokenizer->token_bytes(id, true);
    Json numbers = Json::array();
    for (const char byte : bytes) numbers.push_back(static_cast<uint8_t>(byte));
    return {{"token", text}, {"logprob", logprob}, {"bytes", numbers}};
  }

  Json logprobs_of(const TextDelta& delta) const {
    Json list = Json::array();
    if (!asked_.wants_logprobs) return list;
    for (const OutputToken& token : delta.tokens) {
      Json entry = token_json(token.id, token.logprob);
      entry["top_logprobs"] = Json::array();
      for (const TokenLogprob& top : token.top)
        entry["top_logprobs"].push_back(token_json(top.id, top.logprob));
      list.push_back(std::move(entry));
    }
    return list;
  }

  Json chunk_with(Json choices) const {
    Json chunk = {{"id", asked_.id},
                  {"object", "chat.completion.chunk"},
                  {"created", asked_.created},
                  {"model", asked_.model},
                  {"choices", std::move(choices)}};
    if (asked_.includes_usage) chunk["usage"] = nullptr;
    return chunk;
  }

  void send(const Json& chunk) {
    if (!exchange_->has_begun()) {
      exchange_->begin_stream(200, {{"Content-Type", std::string(http::kSseContentType)},
                                    {"Cache-Control", "no-cache"}});
    }
    exchange_->write(http::sse_event(to_wire(chunk)));
  }

  void send_delta(int64_t index, Json delta, const Json& logprobs, const Json& reason) {
    Json choice = {{"index", index}, {"delta", std::move(delta)}};
    choice["logprobs"] =
        asked_.wants_logprobs && !logprobs.empty() ? Json{{"content", logprobs}} : Json();
    choice["finish_reason"] = reason;
    send(chunk_with(Json::array({std::move(choice)})));
  }

  void stream(const AnswerPart& part, Choice& choice, const Json& logprobs) {
    if (!choice.has_begun) {
      choice.has_begun = true;
      send_delta(part.index, {{"role", "assistant"}, {"content", ""}}, Json(), nullptr);
    }
    Json delta = Json::object();
    if (!part.chat.reasoning.empty()) delta["reasoning_content"] = part.chat.reasoning;
    if (!part.chat.content.empty()) delta["content"] = part.chat.content;
    if (!part.chat.tool_calls.empty()) delta["tool_calls"] = calls_json(part.chat.tool_calls, true);
    if (!delta.empty() || !logprobs.empty())
      send_delta(part.index, std::move(delta), logprobs, nullptr);
    if (part.is_last())
      send_delta(part.index, Json::object(), Json(),
                 finish_reason(choice.reason, choice.has_calls));
  }

  Json whole() const {
    Json list = Json::array();
    for (size_t i = 0; i < choices_.size(); ++i) {
      const Choice& choice = choices_[i];
      Json message = {{"role", "assistant"}, {"content", choice.chat.content}};
      if (choice.has_calls && choice.chat.content.empty()) message["content"] = nullptr;
      if (!choice.chat.reasoning.empty()) message["reasoning_content"] = choice.chat.reasoning;
      if (choice.has_calls) message["tool_calls"] = calls_json(choice.chat.tool_calls, false);
      Json entry = {{"index", i}, {"message", std::move(message)}};
      entry["logprobs"] = asked_.wants_logprobs ? Json{{"content", choice.logprobs}} : Json();
      entry["finish_reason"] = finish_reason(choice.reason, choice.has_calls);
      list.push_back(std::move(entry));
    }
    return {{"id", asked_.id},           {"object", "chat.completion"},
            {"created", asked_.created}, {"model", asked_.model},
            {"choices", list},           {"usage", usage()}};
  }

  Json usage() const {
    int64_t output = 0;
    for (const Choice& choice : choices_) output += choice.stats.output_tokens;
    const RequestStats& first = choices_.front().stats;
    return usage_json(first.prompt_tokens, output, first.cached_tokens);
  }

  const std::shared_ptr<http::Exchange> exchange_;
  const std::shared_ptr<Engine> engine_;
  const Asked asked_;
  std::vector<Choice> choices_;
};

std::vector<ToolCall> parse_calls(const Json& list, const std::string& path) {
  std::vector<ToolCall> calls;
  for (size_t i = 0; i < list.size(); ++i) {
    const JsonFields call(list[i], fmt::format("{}[{}]", path, i));
    const Json* function = call.object("function");
    if (function == nullptr)
      fail(ErrorCode::invalid_argument, "{} is required", call.path_of("function"));
    const JsonFields parts(*function, call.path_of("function"));
    calls.push_back({.id = call.text("id").value_or(""),
                     .name = parts.required_text("name"),
                     .arguments = parts.text("arguments").value_or("{}")});
  }
  return calls;
}

std::vector<Message> parse_messages(const Json& list) {
  constexpr size_t kMostMessages = 4096;
  if (list.empty()) fail(ErrorCode::invalid_argument, "messages must hold at least one message");
  if (list.size() > kMostMessages) {
    fail(ErrorCode::invalid_argument, "messages must hold at most {} messages, got {}",
         kMostMessages, list.size());
  }
  std::vector<Message> messages;
  for (size_t i = 0; i < list.size(); ++i) {
    const std::string path = fmt::format("messages[{}]", i);
    const JsonFields fields(list[i], path);
    Message message;
    message.role = fields.required_text("role");
    if (message.role == "developer") message.role = "system";
    const Json* content = fields.find("content");
    if (content != nullptr) message.content = content_text(*content, path + ".content");
    message.reasoning = fields.text("reasoning_content").value_or("");
    message.name = fields.text("name").value_or("");
    message.tool_call_id = fields.text("tool_call_id").value_or("");
    if (const Json* calls = fields.list("tool_calls"))
      message.tool_calls = parse_calls(*calls, path + ".tool_calls");
    messages.push_back(std::move(message));
  }
  return messages;
}

// "none" takes the tools away; "auto" is the default. What must be enforced is refused.
void parse_tools_into(ChatRequest& request, const JsonFields& fields) {
  const Json* tools = fields.list("tools");
  if (tools != nullptr) request.tools = parse_tools(*tools, "tools");
  const Json* choice = fields.find("tool_choice");
  if (choice == nullptr) return;
  if (*choice == "none") {
    request.tools.clear();
  } else if (*choice != "auto") {
    fail(ErrorCode::unsupported,
         "tool_choice must be auto or none for now: a required or named tool needs constrained "
         "decoding, which comes with a later version");
  }
  if (tools == nullptr) return;
  for (size_t i = 0; i < tools->size(); ++i) {
    const Json& function = (*tools)[i]["function"];
    if (function.is_object() && function.value("strict", Json()) == true) {
      fail(ErrorCode::unsupported,
           "tools[{}].function.strict needs constrained decoding, which comes with a later version",
           i);
    }
  }
}

void parse_logprobs(const JsonFields& fields, Asked& asked, SamplingParams& params) {
  asked.wants_logprobs = fields.boolean("logprobs").value_or(false);
  const std::optional<int64_t> top = fields.integer("top_logprobs");
  if (top && (*top < 0 || *top > 20))
    fail(ErrorCode::invalid_argument, "top_logprobs must be in [0, 20], got {}", *top);
  if (top && *top > 0 && !asked.wants_logprobs)
    fail(ErrorCode::invalid_argument, "top_logprobs needs logprobs to be true");
  if (asked.wants_logprobs) params.logprobs = top.value_or(0);
}

}  // namespace

void chat_completions(ServerState& state, const std::shared_ptr<http::Exchange>& exchange) {
  const Json body = parse_body(exchange->request().body);
  const JsonFields fields(body);
  Asked asked;
  asked.model = fields.text("model").value_or("");
  asked.is_streaming = fields.boolean("stream").value_or(false);
  asked.answer_count = parse_n(fields);
  if (const Json* options = fields.object("stream_options")) {
    asked.includes_usage =
        JsonFields(*options, "stream_options").boolean("include_usage").value_or(false);
  }
  refuse_constraints(fields);
  const Json* messages = fields.list("messages");
  if (messages == nullptr) fail(ErrorCode::invalid_argument, "messages is required");
  ChatRequest request;
  request.messages = parse_messages(*messages);
  parse_tools_into(request, fields);
  request.add_generation_prompt = fields.boolean("add_generation_prompt").value_or(true);
  request.continue_final_message = fields.boolean("continue_final_message").value_or(false);
  if (const Json* variables = fields.object("chat_template_kwargs"))
    request.variables = variables->dump();

  const std::shared_ptr<Engine> engine = state.models.acquire(asked.model);
  const OpenedModel& model = opened_model(*engine);
  SamplingParams params = parse_params(fields, model);
  const auto max_tokens = fields.integer("max_completion_tokens");
  params.max_tokens = max_tokens ? *max_tokens : fields.integer("max_tokens").value_or(-1);
  parse_logprobs(fields, asked, params);
  ChatPrompt prompt =
      make_chat_prompt(model, request, {.context_tokens = engine->info().context_length});

  Answering answering;
  std::random_device device;
  const int64_t seed = params.seed.value_or(-1) >= 0 ? *params.seed : int64_t{device() >> 1};
  for (int64_t i = 0; i < asked.answer_count; ++i) {
    prompt.parser.seed = device();
    answering.parsers.push_back(std::make_unique<OutputParser>(*prompt.format, prompt.parser));
    Request wanted = {.prompt = prompt.ids, .params = params};
    wanted.params.seed = seed + i;
    wanted.shown_tokens = prompt.shown_tokens;
    answering.requests.push_back(std::move(wanted));
  }
  answering.model = asked.model;
  answering.exchange = exchange;
  answering.engine = engine;
  answering.writer = std::make_unique<Writer>(exchange, engine, std::move(asked));
  answer(state, std::move(answering));
}

}  // namespace sparrow::openai
