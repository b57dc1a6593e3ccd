// Writes a model's words to standard output as they come: wrapped and without control characters on
// a terminal, byte for byte into anything else.
#pragma once

#include <string>
#include <string_view>

#include "apps/cli/word_wrap.h"

namespace sparrow::cli {

bool stdout_is_terminal();

// Used by one thread.
class AnswerWriter {
 public:
  // `wraps` counts on a terminal only.
  explicit AnswerWriter(bool wraps);

  // False when the reader is gone (a closed pipe); then nothing more need be written. Throws
  // Error{io} when the words cannot be written for another reason, such as a full disk.
  bool write(std::string_view text);
  // What was held back, and a line break if the text did not end with one.
  bool finish();

 private:
  bool put(std::string_view bytes);

  bool is_terminal_;
  bool wraps_;
  WordWrapper wrapper_;
  char last_ = '\n';
};

}  // namespace sparrow::cli
