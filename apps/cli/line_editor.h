// Reads lines from a terminal, with editing, history and pasted text, over libedit.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "apps/cli/interrupt.h"

namespace sparrow::cli {

struct InputLine {
  enum class Kind { line, interrupted, end };
  Kind kind = Kind::line;
  std::string text;       // UTF-8, without the last line break; several lines if they were pasted
  bool was_empty = true;  // of an interrupted one: nothing had been typed
};

// Standard input and output must be a terminal. What is typed between two calls of read() is kept
// for the next, and not shown. Used by one thread.
class LineEditor {
 public:
  // `interrupts` outlives the editor.
  LineEditor(const std::string& history_path, InterruptScope& interrupts);
  ~LineEditor();
  LineEditor(const LineEditor&) = delete;
  LineEditor& operator=(const LineEditor&) = delete;

  // Ctrl-C gives an interrupted line, Ctrl-D on an empty line the end. `hint` stands greyed on the
  // empty line until the first key. Throws Error{io} if the terminal is gone.
  InputLine read(std::string_view prompt, std::string_view hint);

  // For the arrow keys, and for the next time if history is on.
  void remember(std::string_view entry);
  void set_history(bool is_on);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace sparrow::cli
