// sparrow run MODEL [PROMPT…]: a chat in the terminal, or one answer on standard output.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <memory>

#include "apps/cli/answer_text.h"
#include "apps/cli/answer_writer.h"
#include "apps/cli/chat_session.h"
#include "apps/cli/command.h"
#include "apps/cli/interrupt.h"
#include "apps/cli/numbers.h"
#include "apps/cli/repl.h"
#include "apps/cli/run_flags.h"
#include "base/error.h"

namespace sparrow::cli {
namespace {

// All of standard input. Throws Error{invalid_argument|io}.
std::string read_stdin() {
  constexpr size_t kMaxBytes = size_t{8} << 20;  // more than the longest contexts hold
  std::string text;
  std::string buffer(size_t{64} << 10, '\0');
  for (;;) {
    const ssize_t count = ::read(STDIN_FILENO, buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) fail(ErrorCode::io, "cannot read standard input: {}", std::strerror(errno));
    if (count == 0) return text;
    text.append(buffer.data(), static_cast<size_t>(count));
    if (text.size() > kMaxBytes) {
      fail(ErrorCode::invalid_argument,
           "standard input has more than {} bytes, too many for any prompt", grouped(kMaxBytes));
    }
  }
}

void answer_once(ChatSession& session, const std::string& prompt) {
  session.check_fits(prompt);
  session.load();
  if (session.is_context_less() || session.settings().is_verbose) {
    std::fprintf(stderr, "%s\n", session.context_text().c_str());
  }
  const Answer answer = session.ask(prompt, nullptr);
  if (answer.finish_reason == FinishReason::error) {
    fail(answer.error_code, "the answer broke off: {}", answer.error);
  }
  if (!answer.tokens.empty() && !answer.reader_is_gone) {
    std::fputs(logprobs_text(answer).c_str(), stderr);
  }
  if (session.settings().is_verbose && !answer.reader_is_gone) {
    std::fprintf(stderr, "\n%s", verbose_text(answer, session.load_s()).c_str());
  }
}

void run(const RunFlags& flags, std::vector<std::string> words) {
  const ChatSettings settings = chat_settings(flags);
  const AnswererOptions options = answerer_options(flags);
  const SignalHandling signals;
  Store store(Store::default_root());
  ModelPool pool({.keep_alive = std::chrono::milliseconds(0)});  // what the talk left is not needed
  const auto open = [&](const std::string& model) {
    return open_answerer(store, pool, model, options);
  };
  auto session = std::make_unique<ChatSession>(open(flags.model), settings);
  const bool is_typed = ::isatty(STDIN_FILENO) == 1;
  if (is_typed && words.empty() && stdout_is_terminal()) {
    run_repl(store.root() + "/history", std::move(session), open);
    return;
  }
  // What is piped in stands before the arguments, as with Ollama.
  if (!is_typed || words.empty()) {
    std::string piped = read_stdin();
    if (!piped.empty()) words.insert(words.begin(), std::move(piped));
  }
  const std::string prompt = fmt::format("{}", fmt::join(words, " "));
  if (prompt.empty()) {
    fail(ErrorCode::invalid_argument,
         "there is no prompt: give one as an argument or on standard input, or start from a "
         "terminal to chat");
  }
  answer_once(*session, prompt);
}

}  // namespace

void set_up_run(CLI::App& app) {
  const auto flags = std::make_shared<RunFlags>();
  add_run_flags(app, *flags);
  app.callback([flags, &app] { run(*flags, prompt_words(app, *flags)); });
}

}  // namespace sparrow::cli
