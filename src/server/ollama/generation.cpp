#include "server/ollama/generation.h"

#include <chrono>
#include <random>

#include "base/error.h"
#include "server/chat_prompt.h"
#include "server/http/ndjson.h"
#include "server/ollama/dialect.h"
#include "server/wire.h"

namespace sparrow::ollama {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// What both routes have beside the prompt.
struct Asked {
  std::string model;
  bool is_chat = false;
  bool is_streaming = true;
  bool may_truncate = true;
  std::optional<KeepAlive> keep_alive;
  Clock::time_point started_at = Clock::now();
  double load_s = 0;
  int64_t dropped_messages = 0;
  std::vector<TokenId> prompt;  // generate: for `context`
};

Json head_of(const Asked& asked) {
  return {{"model", asked.model}, {"created_at", rfc3339_now(6)}};
}

std::string_view done_reason(FinishReason reason) {
  return reason == FinishReason::length ? "length" : "stop";
}

class Writer final : public AnswerWriter {
 public:
  Writer(std::shared_ptr<http::Exchange> exchange, std::shared_ptr<Engine> engine, Asked asked)
      : exchange_(std::move(exchange)), engine_(std::move(engine)), asked_(std::move(asked)) {}

  void write(const AnswerPart& part) override {
    for (const OutputToken& token : part.raw.tokens) ids_.push_back(token.id);
    if (!asked_.is_streaming) {
      add(all_, part.chat);
    } else if (!part.chat.content.empty() || !part.chat.reasoning.empty() ||
               !part.chat.tool_calls.empty()) {
      Json line = head_of(asked_);
      put_message(line, part.chat);
      line["done"] = false;
      send(line);
    }
    if (part.is_last()) {
      reason_ = part.raw.finish_reason;
      stats_ = part.stats;
    }
  }

  void finish() override {
    Json line = head_of(asked_);
    put_message(line, all_);
    line["done"] = true;
    line["done_reason"] = done_reason(reason_);
    if (!asked_.is_chat) {
      std::vector<int32_t> context = asked_.prompt;
      context.insert(context.end(), ids_.begin(), ids_.end());
      line["context"] = context;
    }
    line.update(timings(stats_, asked_.load_s, seconds_since(asked_.started_at)));
    if (asked_.dropped_messages > 0 || stats_.dropped_tokens > 0) {
      line["truncation"] = {{"policy", "drop_oldest"},
                            {"dropped_messages", asked_.dropped_messages},
                            {"dropped_tokens", stats_.dropped_tokens}};
    }
    if (!asked_.is_streaming) {
      exchange_->reply_json(200, to_wire(line));
      return;
    }
    send(line);
    exchange_->end();
  }

  void fail(const http::Failure& failure) override {
    if (!exchange_->has_begun()) {
      exchange_->fail(failure);
      return;
    }
    exchange_->write(http::ndjson_line(Json{{"error", failure.message}}));
    exchange_->end();
  }

 private:
  static void add(ChatDelta& to, const ChatDelta& more) {
    to.content += more.content;
    to.reasoning += more.reasoning;
    to.tool_calls.insert(to.tool_calls.end(), more.tool_calls.begin(), more.tool_calls.end());
  }

  void put_message(Json& line, const ChatDelta& delta) const {
    if (!asked_.is_chat) {
      line["response"] = delta.content;
      if (!delta.reasoning.empty()) line["thinking"] = delta.reasoning;
      return;
    }
    Json message = {{"role", "assistant"}, {"content", delta.content}};
    if (!delta.reasoning.empty()) message["thinking"] = delta.reasoning;
    for (const IndexedToolCall& indexed : delta.tool_calls) {
      const std::string& arguments = indexed.call.arguments;
      message["tool_calls"].push_back(
          {{"id", indexed.call.id},
           {"function",
            {{"index", indexed.index},
             {"name", indexed.call.name},
             {"arguments", arguments.empty() ? Json::object() : Json::parse(arguments)}}}});
    }
    line["message"] = std::move(message);
  }

  void send(const Json& line) {
    if (!exchange_->has_begun())
      exchange_->begin_stream(200, {{"Content-Type", std::string(http::kNdjsonContentType)}});
    exchange_->write(http::ndjson_line(line));
  }

  const std::shared_ptr<http::Exchange> exchange_;
  const std::shared_ptr<Engine> engine_;
  const Asked asked_;
  ChatDelta all_;
  std::vector<int32_t> ids_;
  FinishReason reason_ = FinishReason::none;
  RequestStats stats_;
};

// Loading and unloading by a request without anything to answer.
void answer_empty(const std::shared_ptr<http::Exchange>& exchange, const Asked& asked,
                  std::string_view reason) {
  Json line = head_of(asked);
  if (asked.is_chat) {
    line["message"] = {{"role", "assistant"}, {"content", ""}};
  } else {
    line["response"] = "";
  }
  line["done"] = true;
  line["done_reason"] = reason;
  if (!asked.is_streaming) {
    exchange->reply_json(200, to_wire(line));
    return;
  }
  exchange->begin_stream(200, {{"Content-Type", std::string(http::kNdjsonContentType)}});
  exchange->write(http::ndjson_line(line));
  exchange->end();
}

Asked parse_common(const JsonFields& fields, bool is_chat) {
  Asked asked;
  asked.model = fields.text("model").value_or("");
  if (asked.model.empty()) fail(ErrorCode::invalid_argument, "model is required");
  asked.is_chat = is_chat;
  asked.is_streaming = fields.boolean("stream").value_or(true);
  asked.may_truncate = fields.boolean("truncate").value_or(true);
  fields.boolean("shift");  // answers never push their own beginning out
  asked.keep_alive = parse_keep_alive(fields);
  refuse_constraints(fields);
  return asked;
}

// True: the request is done with.
bool load_or_unload(ServerState& state, const std::shared_ptr<http::Exchange>& exchange,
                    const Asked& asked) {
  state.models.find(asked.model);
  if (asked.keep_alive && *asked.keep_alive && (*asked.keep_alive)->count() == 0) {
    state.models.unload(asked.model);
    answer_empty(exchange, asked, "unload");
    return true;
  }
  state.models.acquire(asked.model, asked.keep_alive);
  answer_empty(exchange, asked, "load");
  return true;
}

void refuse_thinking(const JsonFields& fields, const OpenedModel& model, const std::string& name) {
  const Json* think = fields.find("think");
  if (think == nullptr || (think->is_boolean() && !think->get<bool>())) return;
  if (!think->is_boolean() && !think->is_string())
    fields.refuse("think", "true, false or a level", *think);
  if (!has_reasoning(*model.chat_template))
    fail(ErrorCode::invalid_argument, "\"{}\" does not support thinking", name);
}

void refuse_images(const JsonFields& fields, const std::string& name) {
  const Json* images = fields.find("images");
  if (images != nullptr && !images->empty()) {
    fail(ErrorCode::invalid_argument, "\"{}\" does not support images: this model reads text only",
         name);
  }
}

std::vector<Message> parse_messages(const Json& list, const std::string& model) {
  std::vector<Message> messages;
  for (size_t i = 0; i < list.size(); ++i) {
    const std::string path = fmt::format("messages[{}]", i);
    const JsonFields fields(list[i], path);
    refuse_images(fields, model);
    Message message;
    message.role = to_lower_ascii(fields.required_text("role"));
    const Json* content = fields.find("content");
    if (content != nullptr) message.content = content_text(*content, path + ".content");
    message.reasoning = fields.text("thinking").value_or("");
    message.name = fields.text("tool_name").value_or(fields.text("name").value_or(""));
    message.tool_call_id = fields.text("tool_call_id").value_or("");
    if (const Json* calls = fields.list("tool_calls")) {
      for (size_t k = 0; k < calls->size(); ++k) {
        const JsonFields call((*calls)[k], fmt::format("{}.tool_calls[{}]", path, k));
        const Json* function = call.object("function");
        if (function == nullptr)
          fail(ErrorCode::invalid_argument, "{} is required", call.path_of("function"));
        const JsonFields parts(*function, call.path_of("function"));
        const Json* arguments = parts.object("arguments");
        message.tool_calls.push_back({.id = call.text("id").value_or(""),
                                      .name = parts.required_text("name"),
                                      .arguments = arguments ? arguments->dump() : "{}"});
      }
    }
    messages.push_back(std::move(message));
  }
  return messages;
}

int64_t answer_room(int64_t context, int64_t max_tokens) {
  const int64_t room = std::min<int64_t>(1024, context / 8);
  return max_tokens < 0 ? room : std::min(room, max_tokens);
}

struct Loaded {
  std::shared_ptr<Engine> engine;
  Options options;
  int64_t context = 0;
};

Loaded load(ServerState& state, const JsonFields& fields, Asked& asked) {
  const Clock::time_point start = Clock::now();
  Loaded loaded;
  loaded.engine = state.models.acquire(asked.model, asked.keep_alive);
  asked.load_s = seconds_since(start);
  loaded.options = parse_options(fields, opened_model(*loaded.engine));
  const int64_t most = loaded.engine->info().context_length;
  const int64_t wanted = loaded.options.context_length;
  loaded.context = wanted > 0 ? std::min(wanted, most) : most;
  return loaded;
}

}  // namespace

void chat(ServerState& state, const std::shared_ptr<http::Exchange>& exchange) {
  const Json body = parse_body(exchange->request().body);
  const JsonFields fields(body);
  Asked asked = parse_common(fields, true);
  const Json* messages = fields.list("messages");
  if (messages == nullptr || messages->empty()) {
    load_or_unload(state, exchange, asked);
    return;
  }
  ChatRequest request;
  request.messages = parse_messages(*messages, asked.model);
  if (const Json* tools = fields.list("tools")) request.tools = parse_tools(*tools, "tools");

  Loaded loaded = load(state, fields, asked);
  const OpenedModel& model = opened_model(*loaded.engine);
  refuse_thinking(fields, model, asked.model);
  const ContextRoom room = {loaded.context,
                            answer_room(loaded.context, loaded.options.params.max_tokens),
                            asked.may_truncate};
  ChatPrompt prompt = make_chat_prompt(model, request, room);
  asked.dropped_messages = prompt.dropped_messages;

  Answering answering;
  answering.model = asked.model;
  prompt.parser.seed = std::random_device()();
  answering.parsers.push_back(std::make_unique<OutputParser>(*prompt.format, prompt.parser));
  Request wanted = {.prompt = std::move(prompt.ids), .params = loaded.options.params};
  wanted.context_length = loaded.context;
  wanted.shown_tokens = std::move(prompt.shown_tokens);
  answering.requests.push_back(std::move(wanted));
  answering.exchange = exchange;
  answering.engine = loaded.engine;
  answering.writer = std::make_unique<Writer>(exchange, loaded.engine, std::move(asked));
  answer(state, std::move(answering));
}

void generate(ServerState& state, const std::shared_ptr<http::Exchange>& exchange) {
  const Json body = parse_body(exchange->request().body);
  const JsonFields fields(body);
  Asked asked = parse_common(fields, false);
  refuse_images(fields, asked.model);
  const std::string text = fields.text("prompt").value_or("");
  if (!fields.text("suffix").value_or("").empty())
    fail(ErrorCode::invalid_argument, "\"{}\" does not support insert", asked.model);
  if (text.empty() && fields.find("context") == nullptr) {
    load_or_unload(state, exchange, asked);
    return;
  }
  Loaded loaded = load(state, fields, asked);
  const OpenedModel& model = opened_model(*loaded.engine);
  refuse_thinking(fields, model, asked.model);

  Answering answering;
  Request wanted = {.params = loaded.options.params};
  if (fields.boolean("raw").value_or(false)) {
    wanted.prompt = encode_raw(model, text);
  } else {
    ChatRequest request;
    const std::string system = fields.text("system").value_or(model.stored.system.value_or(""));
    if (!system.empty()) request.messages.push_back({.role = "system", .content = system});
    request.messages.push_back({.role = "user", .content = text});
    // A prompt that is too long is cut below.
    ChatPrompt prompt = make_chat_prompt(model, request, {.context_tokens = INT64_MAX});
    prompt.parser.seed = 0;
    answering.parsers.push_back(std::make_unique<OutputParser>(*prompt.format, prompt.parser));
    wanted.prompt = std::move(prompt.ids);
    wanted.shown_tokens = std::move(prompt.shown_tokens);
  }
  if (const Json* context = fields.list("context")) {
    std::vector<int32_t> ids;
    for (size_t i = 0; i < context->size(); ++i) {
      if (!(*context)[i].is_number_integer())
        fields.refuse(fmt::format("context[{}]", i), "a token id", (*context)[i]);
      ids.push_back((*context)[i].get<int32_t>());
    }
    wanted.prompt.insert(wanted.prompt.begin(), ids.begin(), ids.end());
  }
  wanted.context_length = loaded.context;
  wanted.context_policy = asked.may_truncate ? ContextPolicy::drop_oldest : ContextPolicy::error;
  asked.prompt = wanted.prompt;
  answering.model = asked.model;
  answering.requests.push_back(std::move(wanted));
  answering.exchange = exchange;
  answering.engine = loaded.engine;
  answering.writer = std::make_unique<Writer>(exchange, loaded.engine, std::move(asked));
  answer(state, std::move(answering));
}

}  // namespace sparrow::ollama
