#include "apps/cli/chat_session.h"

#include <charconv>
#include <chrono>
#include <cstdio>
#include <fstream>

#include "api/identity.h"
#include "apps/cli/numbers.h"
#include "apps/cli/progress_bar.h"
#include "apps/cli/repl_text.h"
#include "base/error.h"
#include "base/memory_info.h"

namespace sparrow::cli {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

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

OpenedModel open_and_say(StoredModel stored) {
  OpenedModel model = open_model(std::move(stored));
  if (model.chat_template->is_built_in()) {
    std::fprintf(stderr, "The file has no chat template; using the built-in '%s'.\n",
                 model.chat_template->built_in_name().c_str());
  }
  return model;
}

// Throws Error{io}.
void append_line(const std::string& path, const std::string& line) {
  std::ofstream file(path, std::ios::app);
  file << line << '\n' << std::flush;
  if (!file) fail(ErrorCode::io, "cannot write the receipt to {}", path);
}

// With a spinner on a terminal.
std::unique_ptr<engine::Engine> load_engine(const OpenedModel& model,
                                            engine::EngineOptions options) {
  options.identity = identity_of(model);
  Spinner spinner("loading " + model.name());
  std::unique_ptr<engine::Engine> engine =
      engine::Engine::load(model.file, model.tokenizer, options);
  engine->start();
  return engine;
}

}  // namespace

std::string context_text(const engine::EnginePlan& plan) {
  if (!plan.is_reduced) return fmt::format("context {} tokens", grouped(plan.context_length));
  return fmt::format("context {} of {} tokens, for the weights take {} and {} of memory were free",
                     grouped(plan.context_length), grouped(plan.model_context_length),
                     format_bytes(plan.weight_bytes), format_bytes(plan.available_bytes));
}

ChatSession::ChatSession(StoredModel stored, const ChatSettings& settings)
    : settings_(settings), params_(SamplingParams{}) {
  const Clock::time_point start = Clock::now();
  model_ = open_and_say(std::move(stored));
  model_params_ = sparrow::model_params(model_.stored, model_.file->metadata());
  params_ = ChatParams(model_params_);
  for (const auto& [name, values] : settings_.parameters) params_.set(name, values);
  if (settings_.engine.context_length == 0) {
    settings_.engine.context_length = saved_context(model_.stored).value_or(0);
  }
  conversation_.set_system_message(settings_.system.value_or(model_.stored.system.value_or("")));
  for (Message& message : messages_from_json(model_.stored.messages, model_.name())) {
    conversation_.add(std::move(message.role), std::move(message.content));
  }
  open_s_ = seconds_since(start);
}

FittedPrompt ChatSession::fit(Conversation& conversation, int64_t context_tokens) const {
  const ContextRoom room{context_tokens,
                         answer_room(context_tokens, params_.sampling().max_tokens)};
  return conversation.fit(room, [&](const std::vector<Message>& messages) {
    TemplateInput input;
    input.messages = to_json(messages);
    return model_.chat_template->encode(input, *model_.tokenizer);
  });
}

void ChatSession::check_fits(const std::string& message) const {
  const int64_t longest =
      longest_context(model_, settings_.engine.context_length, settings_.engine.rope_scaling);
  if (settings_.is_raw) {
    const auto count = static_cast<int64_t>(encode_raw(model_, message).size());
    if (count >= longest) {
      fail(ErrorCode::context_full,
           "the prompt has {} tokens, and the context has {}; --context makes it larger, up to "
           "the model's",
           grouped(count), grouped(longest));
    }
    return;
  }
  Conversation conversation = conversation_;
  conversation.add("user", message);
  fit(conversation, longest);
}

void ChatSession::load() {
  const Clock::time_point start = Clock::now();
  engine_ = load_engine(model_, settings_.engine);
  load_s_ = open_s_ + seconds_since(start);
}

void ChatSession::unload() { engine_.reset(); }

Answer ChatSession::ask(const std::string& message, const InterruptScope* interrupts) {
  SPARROW_CHECK(is_loaded());
  const int64_t context = plan().context_length;
  const bool wraps = settings_.wraps;
  const auto request = [&](std::vector<TokenId> ids) {
    const bool wants_receipt = !settings_.receipt_path.empty();
    return Request{.prompt = std::move(ids),
                   .params = params_.sampling(),
                   .receipt = wants_receipt ? ReceiptKind::full : ReceiptKind::none};
  };
  Answer answer;
  if (settings_.is_raw) {
    answer = cli::answer(*engine_, request(encode_raw(model_, message)), wraps, interrupts);
  } else {
    conversation_.add("user", message);
    try {
      FittedPrompt prompt = fit(conversation_, context);
      if (prompt.newly_dropped > 0) say_dropped(conversation_, context);
      answer = cli::answer(*engine_, request(std::move(prompt.ids)), wraps, interrupts);
    } catch (const Error&) {
      conversation_.remove_last();
      throw;
    }
    conversation_.add("assistant", answer.text);
  }
  if (!answer.receipt.empty()) append_line(settings_.receipt_path, answer.receipt);
  if (answer.finish_reason == FinishReason::length &&
      answer.stats.prompt_tokens + answer.stats.output_tokens >= context) {
    say(fmt::format("The context of {} tokens is full: the answer ends here.", grouped(context)));
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
  const int64_t former = settings_.engine.context_length;
  settings_.engine.context_length = parse_context(values);
  if (!is_loaded()) return;
  unload();  // two caches need not fit at once
  try {
    load();
  } catch (const Error&) {
    settings_.engine.context_length = former;
    load();
    throw;
  }
}

void ChatSession::save(Store& store, const std::string& name) const {
  SavedLayers layers;
  layers.system = conversation_.system_message();
  layers.params = params_.chosen_json();
  if (settings_.engine.context_length > 0) {
    layers.params[std::string(kContextParameter)] = settings_.engine.context_length;
  }
  layers.messages = messages_to_json(conversation_.messages());
  store.save(parse_model_name(name), model_.stored, layers);
}

}  // namespace sparrow::cli
