// Ctrl-C and changes of the terminal as events that a loop looks at.
#pragma once

#include <atomic>

namespace sparrow::cli {

// While it lives, Ctrl-C ends the program at once, with exit code 130, unless an InterruptScope is
// open; SIGTERM always does. The terminal is left as it was found. A broken pipe is an error of
// write() and not the end. One a program.
class SignalHandling {
 public:
  SignalHandling();
  ~SignalHandling();
  SignalHandling(const SignalHandling&) = delete;
  SignalHandling& operator=(const SignalHandling&) = delete;
};

// While it lives, Ctrl-C only sets a flag and makes wake_descriptor() readable. Needs
// SignalHandling. Used by one thread; one at a time.
class InterruptScope {
 public:
  InterruptScope();
  ~InterruptScope();
  InterruptScope(const InterruptScope&) = delete;
  InterruptScope& operator=(const InterruptScope&) = delete;

  bool is_interrupted() const;            // since clear()
  const std::atomic<bool>& flag() const;  // the same, for whoever looks at it meanwhile
  void clear();
  bool take_resize();           // the terminal's size has changed since the last call
  bool take_continue();         // the program was stopped and goes on
  int wake_descriptor() const;  // readable after a signal, until take_wake()
  void take_wake();
};

}  // namespace sparrow::cli
