// Programs run as a user runs them: with pipes, or in a terminal of their own.
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>
#include <vector>

namespace sparrow::test_support {

struct ProgramCall {
  std::vector<std::string> arguments;  // the program's path first
  std::string input;                   // its standard input; then it ends
  std::vector<std::string> variables;  // "NAME=value", over this process's own
  bool closes_output_early = false;    // reads a few bytes of its output and then closes the pipe
};

struct ProgramResult {
  int exit_code = -1;  // 128 + the signal that ended it; -1: it had to be killed
  std::string output;
  std::string errors;
};

// Ends a program that hangs, after a time that no test should ever reach.
ProgramResult run_program(const ProgramCall& call);

// A program in a pseudo terminal. Used by one thread.
class Terminal {
 public:
  Terminal(const std::vector<std::string>& arguments, const std::vector<std::string>& variables,
           int columns = 80, int rows = 24);
  ~Terminal();
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;

  void type(std::string_view keys);  // "\r" is Enter, "\x03" Ctrl-C, "\x04" Ctrl-D
  void resize(int columns, int rows);
  // Reads until `text` comes, and forgets all up to its end. False if it does not come.
  bool wait_for(std::string_view text);
  // Everything the program wrote, escape sequences and all.
  const std::string& transcript() const { return transcript_; }
  // Waits for the end: the exit code, as in ProgramResult.
  int exit_code();

 private:
  bool read_more();

  pid_t pid_ = -1;
  int terminal_ = -1;
  std::string transcript_;
  size_t seen_ = 0;  // of the transcript, by wait_for
};

}  // namespace sparrow::test_support
