#include "apps/cli/running_server.h"

#include <algorithm>
#include <chrono>
#include <ctime>

#include "api/model_defaults.h"
#include "apps/cli/conversation.h"
#include "apps/cli/numbers.h"
#include "apps/cli/progress_bar.h"
#include "apps/cli/server_client.h"
#include "base/elapsed.h"
#include "base/error.h"
#include "base/memory_info.h"
#include "sampling/params_json.h"

namespace sparrow::cli {
namespace {

using Clock = std::chrono::steady_clock;

// Reads fields of the server's answers: one that is missing or of another type is the server's
// fault, and no bug of this program.
template <typename Read>
auto reading(const char* path, const Read& read) {
  try {
    return read();
  } catch (const Json::exception& error) {
    fail(ErrorCode::network, "the server at {} answers {} in a way this version does not know: {}",
         server_url(), path, error.what());
  }
}

std::string text_of(const Json& object, const char* name) { return object.value(name, ""); }

// "smollm2:135m" of that, "mine" of "mine:latest".
std::string untagged(std::string name) {
  constexpr std::string_view kLatest = ":latest";
  if (name.ends_with(kLatest)) name.resize(name.size() - kLatest.size());
  return name;
}

// Of "2026-11-28T00:45:35Z"; 0 for what is none.
int64_t unix_seconds(const std::string& rfc3339) {
  std::tm time{};
  if (::strptime(rfc3339.c_str(), "%Y-%m-%dT%H:%M:%S", &time) == nullptr) return 0;
  return ::timegm(&time);
}

ModelFacts facts_of(const Json& shown, const std::string& model) {
  const Json& details = shown.at("details");
  ModelFacts facts = {.name = shown.value("model", model),
                      .architecture = text_of(details, "family"),
                      .size = text_of(details, "parameter_size"),
                      .quantization = text_of(details, "quantization_level"),
                      .context_length = details.value("context_length", int64_t{0}),
                      .embedding_length = details.value("embedding_length", int64_t{0}),
                      .chat_template = text_of(shown, "template"),
                      .license = text_of(shown, "license")};
  set_sampling_fields(facts.params, shown.value("sampling", Json::object()), "the server's model");
  if (shown.contains("system")) facts.system = text_of(shown, "system");
  facts.messages = messages_from_json(shown.value("messages", Json::array()), facts.name);
  return facts;
}

Json options_json(const SamplingParams& params, int64_t context_tokens) {
  Json options = sampling_json(params);
  options.erase("logprobs");  // a field of the request
  options.erase("prompt_logprobs");
  if (context_tokens > 0) options["num_ctx"] = context_tokens;
  return options;
}

std::string bytes_of(const Json& token) {
  std::string bytes;
  for (const Json& byte : token.at("bytes")) bytes += static_cast<char>(byte.get<uint8_t>());
  return bytes;
}

// The lines of an answer, put together.
class AnswerLines {
 public:
  AnswerLines(const AnswerSink& sink, bool is_chat) : sink_(sink), is_chat_(is_chat) {}

  // False: enough.
  bool take(const Json& line) {
    if (line.contains("error")) {
      end_with_error(line.at("error").get<std::string>());
      return false;
    }
    const Json& message = is_chat_ ? line.at("message") : line;
    for (const Json& token : line.value("logprobs", Json::array())) {
      AnswerToken taken = {.text = bytes_of(token), .logprob = token.at("logprob").get<float>()};
      for (const Json& top : token.value("top_logprobs", Json::array()))
        taken.top.emplace_back(bytes_of(top), top.at("logprob").get<float>());
      answer_.tokens.push_back(std::move(taken));
    }
    if (!show(text_of(message, "thinking"), text_of(message, is_chat_ ? "content" : "response"))) {
      answer_.finish_reason = FinishReason::cancelled;
      return false;
    }
    if (line.value("done", false)) end(line);
    return true;
  }

  Answer& answer() { return answer_; }

  void end_with_error(std::string text) {
    answer_.finish_reason = FinishReason::error;
    answer_.error = std::move(text);
    answer_.error_code = ErrorCode::io;
  }

 private:
  // Thoughts stand in the text as the model wrote them.
  bool show(const std::string& thinking, const std::string& content) {
    std::string text;
    if (!thinking.empty()) {
      if (!is_thinking_) text += "<think>\n";
      is_thinking_ = true;
      text += thinking;
    }
    if (!content.empty()) {
      if (is_thinking_) text += "\n</think>\n\n";
      is_thinking_ = false;
      text += content;
    }
    answer_.text += text;
    return sink_.on_text(text);
  }

  void end(const Json& line) {
    const std::string reason = text_of(line, "done_reason");
    answer_.finish_reason = reason == "length" ? FinishReason::length : FinishReason::stop;
    if (reason == "cancelled") end_with_error("the server was told to end it");
    const auto seconds = [&](const char* name) { return line.value(name, 0.0) / 1e9; };
    answer_.stats = RequestStats{.prompt_tokens = line.value("prompt_eval_count", int64_t{0}),
                                 .cached_tokens = line.value("cached_tokens", int64_t{0}),
                                 .output_tokens = line.value("eval_count", int64_t{0}),
                                 .prefill_s = seconds("prompt_eval_duration"),
                                 .decode_s = seconds("eval_duration"),
                                 .seed = line.value("seed", int64_t{0})};
    if (line.contains("receipt")) answer_.receipt = line.at("receipt").dump();
    const Json truncation = line.value("truncation", Json::object());
    const int64_t dropped = truncation.value("dropped_messages", int64_t{0});
    if (dropped > 0) sink_.on_dropped(dropped);
  }

  const AnswerSink& sink_;
  const bool is_chat_;
  Answer answer_;
  bool is_thinking_ = false;
};

}  // namespace

RunningServer::RunningServer(const std::string& model, std::string keep_alive)
    : keep_alive_(std::move(keep_alive)) {
  const Json shown = ask_server("POST", "/api/show", {{"model", model}});
  // It would take the request and leave out, without a word, what it does not know.
  if (!shown.contains("sampling"))
    fail(ErrorCode::unsupported, "the server at {} is an older sparrow", server_url());
  facts_ = reading("/api/show", [&] { return facts_of(shown, model); });
}

std::string RunningServer::place() const { return server_url(); }

Json RunningServer::loaded_entry() const {
  const Json answer = ask_server("GET", "/api/ps");
  return reading("/api/ps", [&] {
    for (const Json& entry : answer.at("models"))
      if (untagged(text_of(entry, "name")) == facts_.name) return entry;
    return Json();
  });
}

std::vector<std::pair<std::string, std::string>> RunningServer::details() const {
  std::vector<std::pair<std::string, std::string>> lines = {{"server", server_url()}};
  const Json entry = loaded_entry();
  if (entry.is_null()) {
    lines.emplace_back("loaded", "not now");
    return lines;
  }
  reading("/api/ps", [&] {
    const std::string digest = text_of(entry, "digest");
    if (!digest.empty()) lines.emplace_back("ID", digest.substr(0, 12));
    const int64_t most = entry.value("context_length", int64_t{0});
    const int64_t tokens = context_tokens_ > 0 ? std::min(context_tokens_, most) : most;
    lines.emplace_back("context", grouped(tokens) + " tokens");
    lines.emplace_back("weights and cache", format_bytes(entry.value("size", int64_t{0})));
  });
  return lines;
}

LoadedContext RunningServer::load(int64_t context_tokens) {
  const Clock::time_point start = Clock::now();
  Json entry;
  {
    Spinner spinner("loading " + facts_.name);
    ask_server("POST", "/api/generate", {{"model", facts_.name}, {"stream", false}});
    entry = loaded_entry();
  }
  const int64_t most = entry.is_null() ? facts_.context_length : reading("/api/ps", [&] {
    return entry.value("context_length", int64_t{0});
  });
  context_tokens_ = context_tokens;
  LoadedContext context = {.tokens = most, .wanted = context_tokens};
  if (context_tokens > 0 && context_tokens <= most) context.tokens = context_tokens;
  if (context_tokens > most) context.why_less = "for the server gives no more";
  context.load_s = seconds_since(start);
  return context;
}

Answer RunningServer::answer(const Question& question, const AnswerSink& sink,
                             const InterruptScope* interrupts) {
  const bool is_chat = !question.raw.has_value();
  Json body = {{"model", facts_.name},
               {"options", options_json(question.params, context_tokens_)},
               {"saved_messages", false}};
  if (!keep_alive_.empty()) body["keep_alive"] = keep_alive_;
  if (question.params.logprobs >= 0) {
    body["logprobs"] = true;
    body["top_logprobs"] = question.params.logprobs;
  }
  if (question.wants_receipt) body["receipt"] = "full";
  if (is_chat) {
    body["messages"] = messages_to_json(question.messages);
  } else {
    body.update({{"prompt", *question.raw}, {"raw", true}, {"truncate", false}});
  }
  AnswerLines lines(sink, is_chat);
  std::string problem;
  try {
    problem = stream_from_server(
        is_chat ? "/api/chat" : "/api/generate", body,
        [&](const Json& line) { return reading("the question", [&] { return lines.take(line); }); },
        interrupts == nullptr ? nullptr : &interrupts->flag());
  } catch (const Error& error) {
    if (error.code() != ErrorCode::cancelled) throw;
    lines.answer().finish_reason = FinishReason::cancelled;
  }
  Answer& answer = lines.answer();
  if (answer.finish_reason == FinishReason::none) {
    lines.end_with_error(fmt::format("the server at {} is gone: {}", server_url(),
                                     problem.empty() ? "its answer has no end" : problem));
  }
  return answer;
}

void RunningServer::save(const std::string& name, const SavedLayers& layers) {
  Json parameters = layers.params;
  if (const auto context = parameters.find(kContextParameter); context != parameters.end()) {
    parameters["num_ctx"] = *context;
    parameters.erase(std::string(kContextParameter));
  }
  ask_server("POST", "/api/create",
             {{"model", name},
              {"from", facts_.name},
              {"saved_messages", false},
              {"system", layers.system.value_or("")},
              {"parameters", std::move(parameters)},
              {"messages", layers.messages.value_or(Json::array())},
              {"stream", false}});
}

std::vector<ListedModel> RunningServer::list() const {
  const Json answer = ask_server("GET", "/api/tags");
  return reading("/api/tags", [&] {
    std::vector<ListedModel> models;
    for (const Json& entry : answer.at("models")) {
      models.push_back({untagged(text_of(entry, "name")), text_of(entry, "digest"),
                        entry.value("size", uint64_t{0}),
                        unix_seconds(text_of(entry, "modified_at"))});
    }
    std::ranges::sort(models, {}, &ListedModel::name);
    return models;
  });
}

}  // namespace sparrow::cli
