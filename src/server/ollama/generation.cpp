#include "server/ollama/generation.h"

#include <algorithm>
#include <chrono>
#include <limits>

#include "base/elapsed.h"
#include "base/error.h"
#include "server/chat_prompt.h"
#include "server/http/ndjson.h"
#include "server/ollama/cards.h"
#include "server/ollama/dialect.h"
#include "server/wire.h"

namespace sparrow::ollama {
namespace {

using Clock = std::chrono::steady_clock;

// What both routes have beside the prompt.
struct Asked {
  std::string model;
  bool is_chat = false;
  bool is_streaming = true;
  bool may_truncate = true;
  bool is_raw = false;
  bool takes_saved = true;  // the messages that were saved with the model stand in front
  ReceiptKind receipt = ReceiptKind::none;
  int64_t logprobs = -1;  // how many beside the chosen token's; -1: none at all
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
  if (reason == FinishReason::cancelled) return "cancelled";
  return reason == FinishReason::length ? "length" : "stop";
}

class Writer final : public AnswerWriter {
 public:
  Writer(std::shared_ptr<http::Exchange> exchange, std::shared_ptr<Engine> engine, Asked asked)
      : exchange_(std::move(exchange)), engine_(std::move(engine)), asked_(std::move(asked)) {}

  void write(const AnswerPart& part) override {
    for (const OutputToken& token : part.raw.tokens) ids_.push_back(token.id);
    Json logprobs = logprobs_of(part.raw);
    if (!asked_.is_streaming) {
      append(all_, part.chat);
      for (Json& entry : logprobs) logprobs_.push_back(std::move(entry));
    } else if (!part.chat.content.empty() || !part.chat.reasoning.empty() ||
               !part.chat.tool_calls.empty() || !logprobs.empty()) {
      Json line = head_of(asked_);
      put_message(line, part.chat);
      if (!logprobs.empty()) line["logprobs"] = std::move(logprobs);
      line["done"] = false;
      send(line);
    }
    if (part.is_last()) {
      reason_ = part.raw.finish_reason;
      stats_ = part.stats;
      receipt_ = part.raw.receipt;
    }
  }

  void finish() override {
    Json line = head_of(asked_);
    put_message(line, all_);
    line["done"] = true;
    line["done_reason"] = done_reason(reason_);
    if (!logprobs_.empty()) line["logprobs"] = logprobs_;
    if (!asked_.is_chat && !asked_.is_raw) {
      std::vector<int32_t> context = asked_.prompt;
      context.insert(context.end(), ids_.begin(), ids_.end());
      line["context"] = context;
    }
    line.update(timings(stats_, asked_.load_s, seconds_since(asked_.started_at)));
    line["cached_tokens"] = stats_.cached_tokens;
    line["seed"] = stats_.seed;
    if (!receipt_.empty()) line["receipt"] = Json::parse(receipt_);
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
    exchange_->write(http::ndjson_line(error_json(failure)));
    exchange_->end();
  }

 private:
  Json token_json(int32_t id, float logprob) const {
    const Tokenizer& tokenizer = *opened_model(*engine_).tokenizer;
    return {{"token", tokenizer.decode(std::vector<TokenId>{id}, true)},
            {"logprob", logprob},
            {"bytes", byte_numbers(tokenizer.token_bytes(id, true))}};
  }

  Json logprobs_of(const TextDelta& delta) const {
    Json list = Json::array();
    if (asked_.logprobs < 0) return list;
    for (const OutputToken& token : delta.tokens) {
      Json entry = token_json(token.id, token.logprob);
      if (asked_.logprobs > 0) entry["top_logprobs"] = Json::array();
      for (const TokenLogprob& top : token.top)
        entry["top_logprobs"].push_back(token_json(top.id, top.logprob));
      list.push_back(std::move(entry));
    }
    return list;
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
  Json logprobs_ = Json::array();
  std::vector<int32_t> ids_;
  FinishReason reason_ = FinishReason::none;
  RequestStats stats_;
  std::string receipt_;
};

Json empty_answer(const Asked& asked) {
  Json answer = head_of(asked);
  if (asked.is_chat) {
    answer["message"] = {{"role", "assistant"}, {"content", ""}};
  } else {
    answer["response"] = "";
  }
  return answer;
}

ReceiptKind parse_receipt_kind(const JsonFields& fields) {
  const std::string kind = fields.text("receipt").value_or("");
  if (kind.empty()) return ReceiptKind::none;
  if (kind == "digests") return ReceiptKind::digests;
  if (kind == "full") return ReceiptKind::full;
  fail(ErrorCode::invalid_argument, "receipt must be \"digests\" or \"full\", got \"{}\"", kind);
}

Asked parse_common(const JsonFields& fields, bool is_chat) {
  Asked asked;
  asked.model = model_of(fields);
  asked.is_chat = is_chat;
  asked.is_streaming = fields.boolean("stream").value_or(true);
  asked.may_truncate = fields.boolean("truncate").value_or(true);
  fields.boolean("shift");  // answers never push their own beginning out
  asked.takes_saved = fields.boolean("saved_messages").value_or(true);
  asked.receipt = parse_receipt_kind(fields);
  asked.keep_alive = parse_keep_alive(fields);
  const int64_t top = fields.integer("top_logprobs").value_or(0);
  if (top < 0 || top > 20)
    fail(ErrorCode::invalid_argument, "top_logprobs must be between 0 and 20, got {}", top);
  if (fields.boolean("logprobs").value_or(false)) asked.logprobs = top;
  refuse_constraints(fields);
  return asked;
}

// A request without anything to answer: one object, streamed or not, as Ollama does.
void load_or_unload(ServerState& state, const std::shared_ptr<http::Exchange>& exchange,
                    const Asked& asked) {
  const bool unloads = asked.keep_alive && *asked.keep_alive && (*asked.keep_alive)->count() == 0;
  if (unloads) {
    state.models.unload(asked.model);
  } else {
    state.models.acquire(asked.model, asked.keep_alive);
  }
  Json answer = empty_answer(asked);
  answer["done"] = true;
  answer["done_reason"] = unloads ? "unload" : "load";
  exchange->reply_json(200, to_wire(answer));
}

// What the template is told of thinking. A model that can think does, unless the request says no.
std::string thinking_variables(const JsonFields& fields, const OpenedModel& model,
                               const std::string& name) {
  const Json* think = fields.find("think");
  bool is_on = true;
  std::string level;
  if (think != nullptr && think->is_string()) {
    level = think->get<std::string>();
    constexpr std::string_view kLevels[] = {"low", "medium", "high", "max"};
    if (std::ranges::find(kLevels, level) == std::end(kLevels)) {
      fail(ErrorCode::invalid_argument,
           "invalid think value: \"{}\" (must be \"low\", \"medium\", \"high\", \"max\", true, or "
           "false)",
           level);
    }
  } else if (think != nullptr) {
    is_on = fields.boolean("think").value_or(true);
  }
  if (!has_reasoning(*model.chat_template)) {
    if (think != nullptr && is_on)
      fail(ErrorCode::invalid_argument, "\"{}\" does not support thinking", name);
    return "{}";
  }
  Json variables = {{"enable_thinking", is_on}};
  if (!level.empty()) variables["reasoning_effort"] = level;
  return variables.dump();
}

void refuse_images(const JsonFields& fields, const std::string& name) {
  if (const Json* images = fields.list("images"); images != nullptr && !images->empty()) {
    fail(ErrorCode::invalid_argument, "\"{}\" does not support images: it reads text only", name);
  }
}

// The conversation that a model was made with goes in front, and its system message where the
// request has none.
std::vector<Message> whole_conversation(const StoredModel& stored, std::vector<Message> asked,
                                        const std::string& model) {
  const bool has_system = !asked.empty() && asked.front().role == "system";
  std::vector<Message> messages;
  if (stored.system && !stored.system->empty() && !has_system)
    messages.push_back({.role = "system", .content = *stored.system});
  std::vector<Message> saved = parse_messages(stored.messages, model);
  if (has_system) {
    messages.push_back(std::move(asked.front()));
    asked.erase(asked.begin());
  }
  messages.insert(messages.end(), std::make_move_iterator(saved.begin()),
                  std::make_move_iterator(saved.end()));
  messages.insert(messages.end(), std::make_move_iterator(asked.begin()),
                  std::make_move_iterator(asked.end()));
  return messages;
}

// `_debug_render_only`: what the model would read, and nothing is computed.
void answer_rendered(const std::shared_ptr<http::Exchange>& exchange, const Asked& asked,
                     const OpenedModel& model, const std::vector<TokenId>& ids) {
  Json answer = empty_answer(asked);
  answer["done"] = false;
  answer["_debug_info"] = {{"rendered_template", model.tokenizer->decode(ids, true)},
                           {"image_count", 0}};
  exchange->reply_json(200, to_wire(answer));
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
  loaded.options.params.logprobs = asked.logprobs;
  const int64_t most = loaded.engine->info().context_length;
  const int64_t wanted = loaded.options.context_length;
  loaded.context = wanted > 0 ? std::min(wanted, most) : most;
  return loaded;
}

void submit(ServerState& state, const std::shared_ptr<http::Exchange>& exchange, Loaded loaded,
            Asked asked, Request request, std::unique_ptr<OutputParser> parser) {
  request.params = loaded.options.params;
  request.receipt = asked.receipt;
  request.context_length = loaded.context;
  Answering answering;
  answering.exchange = exchange;
  answering.engine = loaded.engine;
  answering.model = asked.model;
  answering.requests.push_back(std::move(request));
  if (parser != nullptr) answering.parsers.push_back(std::move(parser));
  answering.writer = std::make_unique<Writer>(exchange, loaded.engine, std::move(asked));
  answer(state, std::move(answering));
}

// Of a generate request.
struct PromptText {
  std::string prompt;
  std::string suffix;
  std::string system;
  std::string chat_template;
  std::vector<int32_t> context;
};

PromptText parse_prompt(const JsonFields& fields, const Asked& asked) {
  PromptText text = {.prompt = fields.text("prompt").value_or(""),
                     .suffix = fields.text("suffix").value_or(""),
                     .system = fields.text("system").value_or(""),
                     .chat_template = fields.text("template").value_or("")};
  refuse_go_template(text.chat_template);
  if (const Json* context = fields.list("context")) {
    for (size_t i = 0; i < context->size(); ++i) {
      const Json& id = (*context)[i];
      const bool is_id = id.is_number_integer() && id.get<double>() >= 0 &&
                         id.get<double>() <= std::numeric_limits<int32_t>::max();
      if (!is_id) fields.refuse(fmt::format("context[{}]", i), "a token id", id);
      text.context.push_back(id.get<int32_t>());
    }
  }
  if (asked.is_raw &&
      !(text.system.empty() && text.chat_template.empty() && text.context.empty())) {
    fail(ErrorCode::invalid_argument, "raw mode does not support template, system, or context");
  }
  return text;
}

struct GeneratePrompt {
  std::vector<TokenId> ids;
  std::vector<TokenId> shown_tokens;
  std::unique_ptr<OutputParser> parser;  // null: all is content
};

GeneratePrompt make_generate_prompt(const OpenedModel& model, const JsonFields& fields,
                                    const PromptText& text, const Asked& asked) {
  GeneratePrompt made;
  if (!text.suffix.empty()) {
    made.ids = infill_prompt(*model.tokenizer, text.prompt, text.suffix);
    if (made.ids.empty())
      fail(ErrorCode::invalid_argument, "\"{}\" does not support insert", asked.model);
    return made;
  }
  if (asked.is_raw) {
    made.ids = encode_raw(model, text.prompt);
    return made;
  }
  ChatRequest request;
  request.chat_template = text.chat_template;
  request.variables = thinking_variables(fields, model, asked.model);
  std::vector<Message> messages;
  if (!text.system.empty()) messages.push_back({.role = "system", .content = text.system});
  messages.push_back({.role = "user", .content = text.prompt});
  StoredModel stored = model.stored;
  if (!text.context.empty()) stored.messages = Json::array();  // it holds them already
  request.messages = asked.takes_saved
                         ? whole_conversation(stored, std::move(messages), asked.model)
                         : std::move(messages);
  // A prompt that is too long is cut by the engine.
  ChatPrompt prompt = make_chat_prompt(model, request, {.context_tokens = INT64_MAX});
  made.parser = make_parser(prompt);
  made.ids = text.context;
  made.ids.insert(made.ids.end(), prompt.ids.begin(), prompt.ids.end());
  made.shown_tokens = std::move(prompt.shown_tokens);
  return made;
}

}  // namespace

void chat(ServerState& state, const std::shared_ptr<http::Exchange>& exchange) {
  const Json body = parse_body(exchange->request().body);
  const JsonFields fields(body);
  Asked asked = parse_common(fields, true);
  const StoredModel stored = find_for_answer(state, asked.model);
  const Json* messages = fields.list("messages");
  if (messages == nullptr || messages->empty()) return load_or_unload(state, exchange, asked);
  ChatRequest request;
  request.messages = parse_messages(*messages, asked.model);
  if (asked.takes_saved)
    request.messages = whole_conversation(stored, std::move(request.messages), asked.model);
  if (const Json* tools = fields.list("tools")) request.tools = parse_tools(*tools);
  const bool renders_only = fields.boolean("_debug_render_only").value_or(false);

  Loaded loaded;
  if (!renders_only) loaded = load(state, fields, asked);
  std::optional<OpenedModel> unloaded;
  const OpenedModel& own =
      renders_only ? unloaded.emplace(open_model(stored)) : opened_model(*loaded.engine);
  request.variables = thinking_variables(fields, own, asked.model);
  if (renders_only) {
    const ChatPrompt prompt = make_chat_prompt(own, request, {.context_tokens = INT64_MAX});
    return answer_rendered(exchange, asked, own, prompt.ids);
  }
  const ContextRoom room = {loaded.context,
                            answer_room(loaded.context, loaded.options.params.max_tokens)};
  ChatPrompt prompt = make_chat_prompt(own, request, room, asked.may_truncate);
  asked.dropped_messages = prompt.dropped_messages;
  std::unique_ptr<OutputParser> parser = make_parser(prompt);
  Request wanted = {.prompt = std::move(prompt.ids)};
  wanted.shown_tokens = std::move(prompt.shown_tokens);
  submit(state, exchange, std::move(loaded), std::move(asked), std::move(wanted),
         std::move(parser));
}

void generate(ServerState& state, const std::shared_ptr<http::Exchange>& exchange) {
  const Json body = parse_body(exchange->request().body);
  const JsonFields fields(body);
  Asked asked = parse_common(fields, false);
  const StoredModel stored = find_for_answer(state, asked.model);
  refuse_images(fields, asked.model);
  asked.is_raw = fields.boolean("raw").value_or(false);
  const PromptText text = parse_prompt(fields, asked);
  if (text.prompt.empty() && text.suffix.empty()) return load_or_unload(state, exchange, asked);
  if (fields.boolean("_debug_render_only").value_or(false)) {
    const OpenedModel model = open_model(stored);
    const GeneratePrompt made = make_generate_prompt(model, fields, text, asked);
    return answer_rendered(exchange, asked, model, made.ids);
  }
  Loaded loaded = load(state, fields, asked);
  GeneratePrompt made = make_generate_prompt(opened_model(*loaded.engine), fields, text, asked);
  asked.prompt = made.ids;
  Request wanted = {.prompt = std::move(made.ids)};
  wanted.shown_tokens = std::move(made.shown_tokens);
  wanted.context_policy = asked.may_truncate ? ContextPolicy::drop_oldest : ContextPolicy::error;
  submit(state, exchange, std::move(loaded), std::move(asked), std::move(wanted),
         std::move(made.parser));
}

}  // namespace sparrow::ollama
