#include "server/openai/chat_completions.h"

#include "base/error.h"
#include "server/chat_prompt.h"
#include "server/event_writer.h"
#include "server/openai/dialect.h"
#include "server/openai/tokens.h"
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
  bool names_tokens_by_id = false;
  bool wants_prompt_logprobs = false;
  bool includes_stop = false;      // the stop string stands in the answer
  bool has_parallel_calls = true;  // else only the first call is given
  std::string echo;                // in front of each answer
};

// One choice of an answer that is not streamed.
struct Choice {
  ChatDelta chat;
  Json logprobs = Json::array();
  FinishReason reason = FinishReason::none;
  Json stop_reason;
  RequestStats stats;
  bool has_begun = false;
  bool has_calls = false;
};

class Writer final : public EventWriter {
 public:
  Writer(std::shared_ptr<http::Exchange> exchange, std::shared_ptr<Engine> engine, Asked asked)
      : EventWriter(std::move(exchange), asked.is_streaming),
        engine_(std::move(engine)),
        asked_(std::move(asked)),
        names_(opened_model(*engine_), asked_.names_tokens_by_id),
        choices_(static_cast<size_t>(asked_.answer_count)) {}

  void write(const AnswerPart& part) override {
    Choice& choice = choices_[static_cast<size_t>(part.index)];
    const Json logprobs = logprobs_of(part.raw);
    ChatDelta gained = part.chat;
    if (!asked_.has_parallel_calls) {
      std::erase_if(gained.tool_calls, [](const IndexedToolCall& call) { return call.index > 0; });
    }
    if (!gained.tool_calls.empty()) choice.has_calls = true;
    if (asked_.includes_stop) gained.content += part.raw.stop_string;
    if (asked_.wants_prompt_logprobs && part.index == 0) {
      for (const OutputToken& token : part.raw.prompt_tokens)
        prompt_logprobs_.push_back(names_.prompt_entry(token));
    }
    if (part.is_last()) {
      choice.reason = part.raw.finish_reason;
      choice.stop_reason = stop_reason(part.raw, opened_model(*engine_));
      choice.stats = part.stats;
    }
    if (asked_.is_streaming) return stream(part, gained, choice, logprobs);
    append(choice.chat, std::move(gained));
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
      stream_.send(chunk);
    }
    stream_.end_with_done();
  }

  void fail(const http::Failure& failure) override { fail_stream(stream_, failure); }

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

  Json logprobs_of(const TextDelta& delta) const {
    Json list = Json::array();
    if (!asked_.wants_logprobs) return list;
    for (const OutputToken& token : delta.tokens) list.push_back(names_.chat_entry(token));
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

  void send_delta(int64_t index, Json delta, const Json& logprobs) {
    Json choice = {{"index", index}, {"delta", std::move(delta)}};
    choice["logprobs"] = logprobs.empty() ? Json() : Json{{"content", logprobs}};
    choice["finish_reason"] = nullptr;
    stream_.send(chunk_with(Json::array({std::move(choice)})));
  }

  void send_end(int64_t index, const Choice& choice) {
    stream_.send(
        chunk_with(Json::array({{{"index", index},
                                 {"delta", Json::object()},
                                 {"logprobs", nullptr},
                                 {"finish_reason", finish_reason(choice.reason, choice.has_calls)},
                                 {"stop_reason", choice.stop_reason}}})));
  }

  void stream(const AnswerPart& part, const ChatDelta& gained, Choice& choice,
              const Json& logprobs) {
    if (!choice.has_begun) {
      choice.has_begun = true;
      send_delta(part.index, {{"role", "assistant"}, {"content", asked_.echo}}, Json());
    }
    Json delta = Json::object();
    if (!gained.reasoning.empty()) delta["reasoning_content"] = gained.reasoning;
    if (!gained.content.empty()) delta["content"] = gained.content;
    if (!gained.tool_calls.empty()) delta["tool_calls"] = calls_json(gained.tool_calls, true);
    if (!delta.empty() || !logprobs.empty()) send_delta(part.index, std::move(delta), logprobs);
    if (part.is_last()) send_end(part.index, choice);
  }

  Json whole() const {
    Json list = Json::array();
    for (size_t i = 0; i < choices_.size(); ++i) {
      const Choice& choice = choices_[i];
      const std::string content = asked_.echo + choice.chat.content;
      Json message = {{"role", "assistant"}, {"content", content}, {"refusal", nullptr}};
      if (choice.has_calls && content.empty()) message["content"] = nullptr;
      if (!choice.chat.reasoning.empty()) message["reasoning_content"] = choice.chat.reasoning;
      if (choice.has_calls) message["tool_calls"] = calls_json(choice.chat.tool_calls, false);
      Json entry = {{"index", i}, {"message", std::move(message)}};
      entry["logprobs"] = asked_.wants_logprobs ? Json{{"content", choice.logprobs}} : Json();
      entry["finish_reason"] = finish_reason(choice.reason, choice.has_calls);
      entry["stop_reason"] = choice.stop_reason;
      list.push_back(std::move(entry));
    }
    Json answer = {{"id", asked_.id},           {"object", "chat.completion"},
                   {"created", asked_.created}, {"model", asked_.model},
                   {"choices", list},           {"usage", usage()}};
    if (asked_.wants_prompt_logprobs) answer["prompt_logprobs"] = prompt_logprobs_;
    return answer;
  }

  Json usage() const {
    int64_t output = 0;
    for (const Choice& choice : choices_) output += choice.stats.output_tokens;
    const RequestStats& first = choices_.front().stats;
    return usage_json(first.prompt_tokens, output, first.cached_tokens);
  }

  const std::shared_ptr<Engine> engine_;
  const Asked asked_;
  const TokenNames names_;
  std::vector<Choice> choices_;
  Json prompt_logprobs_ = Json::array({nullptr});  // nothing stands before the first token
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
  if (list.empty()) fail(ErrorCode::invalid_argument, "messages must hold at least one message");
  check_message_count(list);
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
  const Json* choice = fields.find("tool_choice");
  if (choice != nullptr && *choice != "auto" && *choice != "none") {
    fail(ErrorCode::unsupported,
         "tool_choice must be auto or none for now: a required or named tool needs constrained "
         "decoding, which comes with a later version");
  }
  const Json* tools = fields.list("tools");
  if (tools == nullptr) return;
  request.tools = parse_tools(*tools);
  if (choice != nullptr && *choice == "none") request.tools.clear();
}

void parse_logprobs(const JsonFields& fields, Asked& asked, SamplingParams& params) {
  asked.wants_logprobs = fields.boolean("logprobs").value_or(false);
  const int64_t top = parse_logprob_count(fields, "top_logprobs");
  if (top > 0 && !asked.wants_logprobs)
    fail(ErrorCode::invalid_argument, "top_logprobs needs logprobs to be true");
  if (asked.wants_logprobs) params.logprobs = std::max<int64_t>(top, 0);
  params.prompt_logprobs = parse_logprob_count(fields, "prompt_logprobs");
  asked.wants_prompt_logprobs = params.prompt_logprobs >= 0;
  if (asked.wants_prompt_logprobs && asked.is_streaming)
    fail(ErrorCode::invalid_argument, "prompt_logprobs needs stream to be false");
}

ChatRequest parse_chat(const JsonFields& fields) {
  const Json* messages = fields.list("messages");
  if (messages == nullptr) fail(ErrorCode::invalid_argument, "messages is required");
  ChatRequest request;
  request.messages = parse_messages(*messages);
  parse_tools_into(request, fields);
  request.continue_final_message = fields.boolean("continue_final_message").value_or(false);
  request.add_generation_prompt =
      fields.boolean("add_generation_prompt").value_or(!request.continue_final_message);
  request.chat_template = fields.text("chat_template").value_or("");
  if (const Json* variables = fields.object("chat_template_kwargs"))
    request.variables = variables->dump();
  return request;
}

Asked parse_asked(const JsonFields& fields, const ChatRequest& request) {
  Asked asked;
  asked.model = fields.text("model").value_or("");
  asked.is_streaming = fields.boolean("stream").value_or(false);
  asked.answer_count = parse_count(fields, "n");
  asked.includes_usage = parse_include_usage(fields);
  asked.names_tokens_by_id = fields.boolean("return_tokens_as_token_ids").value_or(false);
  asked.includes_stop = fields.boolean("include_stop_str_in_output").value_or(false);
  asked.has_parallel_calls = fields.boolean("parallel_tool_calls").value_or(true);
  const Message& last = request.messages.back();
  if (fields.boolean("echo").value_or(false) && last.role == "assistant") asked.echo = last.content;
  return asked;
}

}  // namespace

void chat_completions(ServerState& state, const std::shared_ptr<http::Exchange>& exchange) {
  const Json body = parse_body(exchange->request().body);
  const JsonFields fields(body);
  refuse_constraints(fields);
  const ChatRequest request = parse_chat(fields);
  Asked asked = parse_asked(fields, request);

  const std::shared_ptr<Engine> engine = state.models.acquire(asked.model);
  const OpenedModel& model = opened_model(*engine);
  SamplingParams params = parse_params(fields, model);
  params.max_tokens = parse_max_tokens(fields, {"max_completion_tokens", "max_tokens"}, -1);
  parse_logprobs(fields, asked, params);
  ChatPrompt prompt =
      make_chat_prompt(model, request, {.context_tokens = engine->info().context_length});

  Answering answering;
  answering.requests = make_requests(fields, *engine, prompt.ids, params, asked.answer_count);
  for (size_t i = 0; i < answering.requests.size(); ++i) {
    std::vector<TokenId>& shown = answering.requests[i].shown_tokens;
    shown.insert(shown.end(), prompt.shown_tokens.begin(), prompt.shown_tokens.end());
    if (i > 0) answering.requests[i].params.prompt_logprobs = -1;
    answering.parsers.push_back(make_parser(prompt));
  }
  answering.model = asked.model;
  answering.exchange = exchange;
  answering.engine = engine;
  answering.writer = std::make_unique<Writer>(exchange, engine, std::move(asked));
  answer(state, std::move(answering));
}

}  // namespace sparrow::openai
