// Runs another program without a shell, with its output captured, and ends it when told to.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

namespace sparrow {

// A running program and all it starts: they get a process group of their own, which dies with this
// object. Used by one thread.
class ChildProcess {
 public:
  // Looks `arguments[0]` up in PATH. `variables` ("NAME=value") come on top of this process's own.
  // Nothing if the program cannot be started.
  static std::optional<ChildProcess> start(const std::vector<std::string>& arguments,
                                           const std::string& folder,
                                           const std::vector<std::string>& variables = {});
  ~ChildProcess();
  ChildProcess(ChildProcess&& other) noexcept;
  ChildProcess& operator=(ChildProcess&& other) noexcept;

  // Waits for at most `milliseconds` for output or the end, and appends the output, standard error
  // included. True while the program runs or output may be left.
  bool read_output(std::string& output, int milliseconds);

  void send_signal(int number);  // to the program and all it started

  // After read_output said false: the exit code, or 128 + the signal that ended it.
  int exit_code();

 private:
  ChildProcess(pid_t pid, int output_descriptor) : pid_(pid), output_(output_descriptor) {}
  pid_t pid_ = -1;
  int output_ = -1;
};

}  // namespace sparrow
