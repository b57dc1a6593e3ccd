#include "apps/cli/interrupt.h"

#include <fcntl.h>
#include <signal.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <string_view>

#include "apps/cli/exit_code.h"
#include "apps/cli/progress_bar.h"
#include "base/error.h"

namespace sparrow::cli {
namespace {

// A signal handler can reach nothing else.
std::atomic<bool> is_scope_open = false;
std::atomic<bool> was_interrupted = false;
std::atomic<bool> was_resized = false;
std::atomic<bool> was_continued = false;
std::array<int, 2> wake_pipe = {-1, -1};
bool is_terminal = false;
termios terminal_at_start{};

// An editor may have changed the terminal. Only calls that a signal handler may make.
[[noreturn]] void leave() {
  constexpr std::string_view kPasteOff = "\x1b[?2004l";
  constexpr std::string_view kClearLine = "\r\x1b[K";
  const auto say = [](std::string_view text) {
    [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, text.data(), text.size());
  };
  if (is_terminal) ::tcsetattr(STDIN_FILENO, TCSANOW, &terminal_at_start);
  if (is_terminal && is_scope_open) say(kPasteOff);
  if (progress_is_drawn()) say(kClearLine);
  ::_exit(exit_code(ErrorCode::cancelled));
}

void on_signal(int number) {
  const int saved_errno = errno;
  if (number == SIGINT || number == SIGTERM) {
    if (number == SIGTERM || !is_scope_open) leave();
    was_interrupted = true;
  }
  if (number == SIGWINCH) was_resized = true;
  if (number == SIGCONT) was_continued = true;
  if (wake_pipe[1] >= 0) {
    const char byte = 0;
    // A full pipe wakes just as well.
    [[maybe_unused]] const ssize_t written = ::write(wake_pipe[1], &byte, 1);
  }
  errno = saved_errno;
}

constexpr std::array<int, 4> kSignals = {SIGINT, SIGTERM, SIGWINCH, SIGCONT};

void handle(int number, void (*handler)(int)) {
  struct sigaction action {};
  action.sa_handler = handler;
  action.sa_flags = SA_RESTART;
  sigemptyset(&action.sa_mask);
  ::sigaction(number, &action, nullptr);
}

}  // namespace

SignalHandling::SignalHandling() {
  if (::pipe(wake_pipe.data()) != 0) fail(ErrorCode::io, "cannot make a pipe (errno {})", errno);
  for (const int descriptor : wake_pipe) {
    ::fcntl(descriptor, F_SETFD, FD_CLOEXEC);
    ::fcntl(descriptor, F_SETFL, O_NONBLOCK);
  }
  is_terminal = ::tcgetattr(STDIN_FILENO, &terminal_at_start) == 0;
  for (const int number : kSignals) handle(number, on_signal);
  handle(SIGPIPE, SIG_IGN);
}

SignalHandling::~SignalHandling() {
  for (const int number : kSignals) handle(number, SIG_DFL);
  for (int& descriptor : wake_pipe) {
    ::close(descriptor);
    descriptor = -1;
  }
}

InterruptScope::InterruptScope() {
  clear();
  is_scope_open = true;
}

InterruptScope::~InterruptScope() { is_scope_open = false; }

void InterruptScope::clear() {
  take_wake();
  was_interrupted = false;
}

bool InterruptScope::is_interrupted() const { return was_interrupted; }
const std::atomic<bool>& InterruptScope::flag() const { return was_interrupted; }
bool InterruptScope::take_resize() { return was_resized.exchange(false); }
bool InterruptScope::take_continue() { return was_continued.exchange(false); }
int InterruptScope::wake_descriptor() const { return wake_pipe[0]; }

void InterruptScope::take_wake() {
  std::array<char, 64> bytes;
  while (::read(wake_pipe[0], bytes.data(), bytes.size()) > 0) {
  }
}

}  // namespace sparrow::cli
