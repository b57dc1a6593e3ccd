#include "tests/support/program.h"

#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdlib>

namespace sparrow::test_support {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::chrono::seconds kPatience{30};

[[noreturn]] void start(const std::vector<std::string>& arguments,
                        const std::vector<std::string>& variables) {
  for (const std::string& variable : variables) {
    const size_t equals = variable.find('=');
    ::setenv(variable.substr(0, equals).c_str(), variable.substr(equals + 1).c_str(), 1);
  }
  std::vector<char*> argv;
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  ::execv(argv[0], argv.data());
  ::_exit(127);
}

int wait_for_end(pid_t pid, Clock::time_point deadline) {
  int status = 0;
  for (;;) {
    const pid_t ended = ::waitpid(pid, &status, WNOHANG);
    if (ended == pid) break;
    if (ended < 0 && errno != EINTR) return -1;
    if (Clock::now() > deadline) {
      ::kill(pid, SIGKILL);
      ::waitpid(pid, &status, 0);
      return -1;
    }
    ::usleep(2000);
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void close_pipe(std::array<int, 2>& pipe, int end) {
  if (pipe[end] >= 0) ::close(pipe[end]);
  pipe[end] = -1;
}

// False once there is nothing more to read.
bool append_from(int descriptor, std::string& text) {
  std::array<char, 65536> buffer;
  const ssize_t count = ::read(descriptor, buffer.data(), buffer.size());
  if (count > 0) text.append(buffer.data(), static_cast<size_t>(count));
  return count > 0 || (count < 0 && errno == EINTR);
}

}  // namespace

ProgramResult run_program(const ProgramCall& call) {
  std::array<int, 2> input{}, output{}, errors{};
  for (auto* pipe : {&input, &output, &errors}) {
    if (::pipe2(pipe->data(), O_CLOEXEC) != 0) return {};
  }
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::dup2(input[0], STDIN_FILENO);
    ::dup2(output[1], STDOUT_FILENO);
    ::dup2(errors[1], STDERR_FILENO);
    start(call.arguments, call.variables);
  }
  close_pipe(input, 0);
  close_pipe(output, 1);
  close_pipe(errors, 1);
  ::signal(SIGPIPE, SIG_IGN);  // a program may end before it has read all
  ::fcntl(input[1], F_SETFL, O_NONBLOCK);
  ProgramResult result;
  std::string_view rest = call.input;
  const Clock::time_point deadline = Clock::now() + kPatience;
  while ((output[0] >= 0 || errors[0] >= 0) && Clock::now() < deadline) {
    if (rest.empty()) close_pipe(input, 1);
    std::array<pollfd, 3> wanted = {
        {{output[0], POLLIN, 0}, {errors[0], POLLIN, 0}, {input[1], POLLOUT, 0}}};
    ::poll(wanted.data(), wanted.size(), 1000);
    if (wanted[0].revents != 0) {
      const bool has_more = append_from(output[0], result.output);
      if (!has_more || call.closes_output_early) close_pipe(output, 0);
    }
    if (wanted[1].revents != 0 && !append_from(errors[0], result.errors)) close_pipe(errors, 0);
    if (wanted[2].revents != 0) {
      const ssize_t written = ::write(input[1], rest.data(), rest.size());
      if (written >= 0) rest.remove_prefix(static_cast<size_t>(written));
      if (written < 0 && errno == EPIPE) rest = {};
    }
  }
  close_pipe(input, 1);
  close_pipe(output, 0);
  close_pipe(errors, 0);
  result.exit_code = wait_for_end(pid, deadline);
  return result;
}

Terminal::Terminal(const std::vector<std::string>& arguments,
                   const std::vector<std::string>& variables, int columns, int rows) {
  winsize size{};
  size.ws_col = static_cast<unsigned short>(columns);
  size.ws_row = static_cast<unsigned short>(rows);
  pid_ = ::forkpty(&terminal_, nullptr, nullptr, &size);
  if (pid_ == 0) start(arguments, variables);
  ::fcntl(terminal_, F_SETFD, FD_CLOEXEC);
}

Terminal::~Terminal() {
  if (pid_ > 0) {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  ::close(terminal_);
}

void Terminal::type(std::string_view keys) {
  while (!keys.empty()) {
    const ssize_t written = ::write(terminal_, keys.data(), keys.size());
    if (written <= 0) return;
    keys.remove_prefix(static_cast<size_t>(written));
  }
}

void Terminal::resize(int columns, int rows) {
  winsize size{};
  size.ws_col = static_cast<unsigned short>(columns);
  size.ws_row = static_cast<unsigned short>(rows);
  ::ioctl(terminal_, TIOCSWINSZ, &size);
}

bool Terminal::read_more() {
  pollfd wanted{terminal_, POLLIN, 0};
  return ::poll(&wanted, 1, 1000) <= 0 || append_from(terminal_, transcript_);
}

bool Terminal::wait_for(std::string_view text) {
  const Clock::time_point deadline = Clock::now() + kPatience;
  for (;;) {
    const size_t found = transcript_.find(text, seen_);
    if (found != std::string::npos) {
      seen_ = found + text.size();
      return true;
    }
    if (Clock::now() > deadline || !read_more()) return false;
  }
}

int Terminal::exit_code() {
  const Clock::time_point deadline = Clock::now() + kPatience;
  while (Clock::now() < deadline && read_more()) {
  }
  const int code = wait_for_end(pid_, deadline);
  pid_ = -1;
  return code;
}

}  // namespace sparrow::test_support
