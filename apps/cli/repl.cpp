#include "apps/cli/repl.h"

#include <cstdio>

#include "apps/cli/answer_text.h"
#include "apps/cli/answer_writer.h"
#include "apps/cli/display_text.h"
#include "apps/cli/line_editor.h"
#include "apps/cli/model_table.h"
#include "apps/cli/numbers.h"
#include "apps/cli/repl_command.h"
#include "apps/cli/repl_text.h"
#include "base/error.h"

namespace sparrow::cli {
namespace {

void print(const std::string& text) {
  std::fputs(text.c_str(), stdout);
  std::fflush(stdout);
}

class Repl {
 public:
  Repl(const std::string& history, std::unique_ptr<ChatSession> session, const OpenAnswerer& open)
      : open_(open), session_(std::move(session)), editor_(history, interrupts_) {}

  void run();

 private:
  // False: the chat is over.
  bool act(const ReplCommand& command);
  void act_on_switch(const ReplCommand& command);
  bool ask(const std::string& message);
  void set_parameter(const std::string& name, const std::vector<std::string>& values);
  void set_system(const std::string& text);
  void load(const std::string& name);
  void save(const std::string& name);
  void greet();
  void show_messages();

  const OpenAnswerer& open_;
  std::unique_ptr<ChatSession> session_;
  InterruptScope interrupts_;
  LineEditor editor_;
  MultilineReader reader_;
};

void Repl::greet() {
  print(without_control_characters(greeting(*session_)));
  show_messages();
}

// A saved talk is shown again, as it stood.
void Repl::show_messages() {
  for (const Message& message : session_->conversation().messages()) {
    AnswerWriter writer(session_->settings().wraps);
    if (message.role == "user") writer.write(">>> ");
    writer.write(message.content);
    writer.finish();
    if (message.role != "user") print("\n");
  }
}

void Repl::run() {
  greet();
  for (;;) {
    const bool is_open = reader_.is_open();
    const InputLine line =
        editor_.read(is_open ? "... " : ">>> ",
                     is_open ? "Use \"\"\" to end the message" : "Send a message (/? for help)");
    if (line.kind == InputLine::Kind::end) return;
    if (line.kind == InputLine::Kind::interrupted) {
      if (line.was_empty && !is_open) print("Use Ctrl-D or /bye to leave.\n");
      reader_.reset();
      continue;
    }
    editor_.remember(line.text);
    std::optional<ReplCommand> command = reader_.push(line.text);
    if (!command) continue;
    try {
      if (!act(*command)) return;
    } catch (const Error& error) {
      std::fprintf(stderr, "%s\n\n", error_text(error).c_str());
      if (!session_->is_loaded()) session_->load();
    }
  }
}

bool Repl::act(const ReplCommand& command) {
  switch (command.verb) {
    case ReplVerb::message:
      return ask(command.text);
    case ReplVerb::bye:
      return false;
    case ReplVerb::help:
      print(help_text(command.text));
      break;
    case ReplVerb::clear:
      session_->conversation().clear();
      print("Cleared session context\n");
      break;
    case ReplVerb::list:
      print(without_control_characters(model_table(session_->answerer().list(), command.text)));
      break;
    case ReplVerb::load:
      load(command.text);
      break;
    case ReplVerb::save:
      save(command.text);
      break;
    case ReplVerb::show:
      print(show_text(*session_, command.text));
      break;
    case ReplVerb::set_system:
      set_system(command.text);
      break;
    case ReplVerb::set_parameter:
      set_parameter(command.text, command.values);
      break;
    case ReplVerb::set_history:
    case ReplVerb::set_wordwrap:
    case ReplVerb::set_verbose:
    case ReplVerb::set_format:
      act_on_switch(command);
      break;
    case ReplVerb::usage:
      print(fmt::format("Usage:\n  {}\n", command.text));
      break;
    case ReplVerb::unknown:
      print(fmt::format("Unknown command '{}'. Type /? for help\n", command.text));
      break;
  }
  return true;
}

void Repl::act_on_switch(const ReplCommand& command) {
  ChatSettings& settings = session_->settings();
  const char* no = command.is_on ? "" : "no";
  if (command.verb == ReplVerb::set_history) {
    editor_.set_history(command.is_on);
    print(fmt::format("Set '{}history' mode.\n", no));
  } else if (command.verb == ReplVerb::set_wordwrap) {
    settings.wraps = command.is_on;
    print(fmt::format("Set '{}wordwrap' mode.\n", no));
  } else if (command.verb == ReplVerb::set_verbose) {
    settings.is_verbose = command.is_on;
    print(fmt::format("Set '{}' mode.\n", command.is_on ? "verbose" : "quiet"));
  } else {
    print(wrapped(kFormatRefusal) + "\n");
  }
}

bool Repl::ask(const std::string& message) {
  if (message.find_first_not_of(" \t\n") == std::string::npos) return true;
  interrupts_.clear();
  const Answer answer = session_->ask(message, &interrupts_);
  if (answer.reader_is_gone) return false;
  if (answer.finish_reason == FinishReason::error) {
    std::fprintf(stderr, "Error: %s\n", answer.error.c_str());
  }
  print("\n");
  if (!answer.tokens.empty()) {
    print(logprobs_text(answer) + "\n");
  }
  if (session_->settings().is_verbose) print(verbose_text(answer, -1) + "\n");
  return true;
}

void Repl::set_parameter(const std::string& name, const std::vector<std::string>& values) {
  session_->set_parameter(name, values);
  const std::string_view ours = parameter_name(name);
  const std::string known_as = name == ours ? "" : fmt::format(" ({} here)", ours);
  print(fmt::format("Set parameter '{}'{} to '{}'\n", name, known_as, fmt::join(values, ", ")));
  if (ours == kContextParameter) print(session_->context_text() + "\n");
}

void Repl::set_system(const std::string& text) {
  session_->conversation().set_system_message(text);
  session_->settings().system = text;
  print(text.empty() ? "Cleared system message.\n" : "Set system message.\n");
}

void Repl::load(const std::string& name) {
  std::unique_ptr<Answerer> answerer = open_(name);
  print(fmt::format("Loading model '{}'\n", answerer->facts().name));
  ChatSettings settings = session_->settings();
  settings.system.reset();
  auto next = std::make_unique<ChatSession>(std::move(answerer), settings);
  session_->unload();  // two models need not fit into memory at once
  next->load();        // if this fails, run() loads the former one again
  session_ = std::move(next);
  greet();
}

void Repl::save(const std::string& name) {
  session_->save(name);
  print(fmt::format("Created new model '{}'\n", name));
}

}  // namespace

void run_repl(const std::string& history, std::unique_ptr<ChatSession> session,
              const OpenAnswerer& open) {
  session->load();  // Ctrl-C still ends the program here
  Repl(history, std::move(session), open).run();
}

}  // namespace sparrow::cli
