#include "apps/cli/answer_writer.h"

#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "apps/cli/display_text.h"
#include "base/error.h"

namespace sparrow::cli {
namespace {

int stdout_columns() {
  winsize size{};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return 80;
  return size.ws_col;
}

}  // namespace

bool stdout_is_terminal() { return ::isatty(STDOUT_FILENO) == 1; }

AnswerWriter::AnswerWriter(bool wraps)
    : is_terminal_(stdout_is_terminal()), wraps_(wraps && is_terminal_), wrapper_(stdout_columns) {}

bool AnswerWriter::put(std::string_view bytes) {
  if (!bytes.empty()) last_ = bytes.back();
  while (!bytes.empty()) {
    const ssize_t written = ::write(STDOUT_FILENO, bytes.data(), bytes.size());
    if (written >= 0) {
      bytes.remove_prefix(static_cast<size_t>(written));
    } else if (errno == EAGAIN) {  // somebody else made it non-blocking
      pollfd wanted{STDOUT_FILENO, POLLOUT, 0};
      ::poll(&wanted, 1, -1);
    } else if (errno == EPIPE) {
      return false;
    } else if (errno != EINTR) {
      fail(ErrorCode::io, "cannot write the answer to standard output: {}", std::strerror(errno));
    }
  }
  return true;
}

bool AnswerWriter::write(std::string_view text) {
  if (!is_terminal_) return put(text);
  const std::string shown = without_control_characters(text);
  return put(wraps_ ? wrapper_.push(shown) : shown);
}

bool AnswerWriter::finish() { return put(wrapper_.finish()) && (last_ == '\n' || put("\n")); }

}  // namespace sparrow::cli
