#include "apps/cli/lost_file.h"

#include <signal.h>
#include <unistd.h>

#include <string_view>

#include "apps/cli/exit_code.h"

namespace sparrow::cli {
namespace {

// Only calls that are safe in a signal handler.
void handle_bus_error(int number, siginfo_t* info, void*) {
  if (info->si_code != BUS_ADRERR) {  // not a page that is gone: a bug, which ends as ever
    ::signal(number, SIG_DFL);
    return;
  }
  constexpr std::string_view kMessage =
      "Error: the model file was cut short or its disk failed while it was being read\n";
  [[maybe_unused]] const ssize_t written = ::write(2, kMessage.data(), kMessage.size());
  ::_exit(exit_code(ErrorCode::io));
}

}  // namespace

void end_in_one_line_when_a_file_shrinks() {
  struct sigaction action {};
  action.sa_sigaction = handle_bus_error;
  action.sa_flags = SA_SIGINFO;
  ::sigaction(SIGBUS, &action, nullptr);
}

}  // namespace sparrow::cli
