#include "apps/cli/chat_session.h"

#include <charconv>
#include <chrono>
#include <cstdio>
#include <fstream>

#include "api/model_defaults.h"
#include "apps/cli/answer_text.h"
#include "apps/cli/answer_writer.h"
#include "apps/cli/numbers.h"
#include "apps/cli/progress_bar.h"
#include "apps/cli/repl_text.h"
#include "base/elapsed.h"
#include "base/error.h"

namespace sparrow::cli {
namespace {

using Clock = std::chrono::steady_clock;

int64_t parse_context(const std::vector<std::string>& values) {
  int64_t tokens = 0;
  const std::string& text = values.size() == 1 ? values[0] : std::string();
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), tokens);
  if (error != std::errc() || end != text.data() + text.size() || tokens < 1) {
    fail(ErrorCode::invalid_argument, "context must be at least 1, got {}", text);
  }
  return tokens;
}

void say(std::string text) {
  if (stderr_is_terminal()) text = wrapped(text);
  std::fprintf(stderr, "%s\n", text.c_str());
}

void say_dropped(const Conversation& conversation, int64_t context_tokens) {
  const int64_t dropped = conversation.dropped_count();
  const auto left = static_cast<int64_t>(conversation.messages().size()) - dropped;
  say(fmt::format(
      "The talk has outgrown the context of {} tokens: its {} oldest message{} no longer "
      "seen by the model; it sees {}the last {}.",
      grouped(context_tokens), grouped(dropped), dropped == 1 ? " is" : "s are",
      conversation.system_message().empty() ? "" : "the system message and ", grouped(left)));
}

// Throws Error{io}.
void append_line(const std::string& path, const std::string& line) {
  std::ofstream file(path, std::ios::app);
  file << line << '\n' << std::flush;
  if (!file) fail(ErrorCode::io, "cannot write the receipt to {}", path);
}

// Asks, and shows the answer on standard output as it comes: on a terminal with a spinner until its
// first word.
Answer show_answer(Answerer& answerer, const Question& question, bool wraps,
                   const std::function<void(int64_t)>& on_dropped,
                   const InterruptScope* interrupts) {
  const Clock::time_point start = Clock::now();
  std::optional<Spinner> spinner(std::in_place, "");
  AnswerWriter writer(wraps);
  bool reader_is_gone = false;
  AnswerSink sink;
  sink.on_dropped = [&](int64_t count) {
    const bool has_spinner = spinner.has_value();
    spinner.reset();
    on_dropped(count);
    if (has_spinner) spinner.emplace("");
  };
  sink.on_text = [&](std::string_view text) {
    if (!text.empty()) spinner.reset();
    if (!writer.write(text)) reader_is_gone = true;
    return !reader_is_gone;
  };
  Answer answer = answerer.answer(question, sink, interrupts);
  spinner.reset();
  answer.reader_is_gone = reader_is_gone || !writer.finish();
  answer.total_s = seconds_since(start);
  return answer;
}

}  // namespace

ChatSession::ChatSession(std::unique_ptr<Answerer> answerer, const ChatSettings& settings)
    : settings_(settings), params_(answerer->facts().params), answerer_(std::move(answerer)) {
  for (const auto& [name, values] : settings_.parameters) params_.set(name, values);
  if (settings_.context == 0) settings_.context = model().context.value_or(0);
  conversation_.set_system_message(settings_.system.value_or(model().system.value_or("")));
  for (const Message& message : model().messages) conversation_.add(message.role, message.content);
}

Question ChatSession::question(const Conversation& conversation, const std::string& message) const {
  Question question = {.params = params_.sampling(),
                       .wants_receipt = !settings_.receipt_path.empty()};
  if (settings_.is_raw) {
    question.raw = message;
  } else {
    question.messages = conversation.seen();
  }
  return question;
}

void ChatSession::check_fits(const std::string& message) const {
  Conversation conversation = conversation_;
  conversation.add("user", message);
  answerer_->check_fits(question(conversation, message), settings_.context);
}

void ChatSession::load() { context_ = answerer_->load(settings_.context); }

Answer ChatSession::ask(const std::string& message, const InterruptScope* interrupts) {
  const auto on_dropped = [&](int64_t count) {
    conversation_.drop(count);
    say_dropped(conversation_, context_.tokens);
  };
  if (!settings_.is_raw) conversation_.add("user", message);
  Answer answer;
  try {
    answer = show_answer(*answerer_, question(conversation_, message), settings_.wraps, on_dropped,
                         interrupts);
  } catch (const Error&) {
    if (!settings_.is_raw) conversation_.remove_last();
    throw;
  }
  if (!settings_.is_raw) conversation_.add("assistant", answer.text);
  if (!answer.receipt.empty()) append_line(settings_.receipt_path, answer.receipt);
  if (answer.finish_reason == FinishReason::length && answer.stats &&
      answer.stats->prompt_tokens + answer.stats->output_tokens >= context_.tokens) {
    say(fmt::format("The context of {} tokens is full: the answer ends here.",
                    grouped(context_.tokens)));
  }
  return answer;
}

void ChatSession::set_parameter(const std::string& name, const std::vector<std::string>& values) {
  const std::string_view ours = parameter_name(name);
  if (ours != kContextParameter) {
    params_.set(ours, values);
    std::erase_if(settings_.parameters, [&](const auto& chosen) { return chosen.first == ours; });
    settings_.parameters.emplace_back(ours, values);
    return;
  }
  const int64_t former = settings_.context;
  settings_.context = parse_context(values);
  if (!is_loaded()) return;
  unload();  // two caches need not fit at once
  try {
    load();
  } catch (const Error&) {
    settings_.context = former;
    load();
    throw;
  }
}

void ChatSession::save(const std::string& name) const {
  SavedLayers layers;
  layers.system = conversation_.system_message();
  layers.params = params_.chosen_json();
  if (settings_.context > 0) layers.params[std::string(kContextParameter)] = settings_.context;
  layers.messages = messages_to_json(conversation_.messages());
  answerer_->save(name, layers);
}

std::string ChatSession::context_text() const {
  return cli::context_text(context_, answerer_->place());
}

}  // namespace sparrow::cli
