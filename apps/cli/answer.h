// One answer: submitted, shown as it comes, and measured.
#pragma once

#include <string>
#include <vector>

#include "apps/cli/interrupt.h"
#include "engine/engine.h"
#include "sparrow/sampling_params.h"

namespace sparrow::cli {

struct Answer {
  std::string text;  // all that was generated, also when it was stopped
  FinishReason finish_reason = FinishReason::none;
  std::string error;  // when finish_reason is error
  ErrorCode error_code = ErrorCode::internal;
  RequestStats stats;
  std::vector<OutputToken> tokens;  // with logprobs, if they were asked for
  std::string receipt;              // if it was asked for
  double total_s = 0;
  bool reader_is_gone = false;  // standard output was closed
};

// Writes the answer to standard output as it comes, with a spinner on a terminal until its first
// word. `interrupts`, if given, stops it. A request's receipt is a full one or none. Throws
// Error{invalid_argument|context_full|io}.
Answer answer(engine::Engine& engine, Request request, bool wraps,
              const InterruptScope* interrupts);

// The lines of --verbose, as Ollama has them. `load_s` is left out if it is negative.
std::string verbose_text(const Answer& answer, double load_s);

// A line for each token of an answer whose params ask for logprobs: `-0.0123  " Paris"`, and the
// most likely ones beside it.
std::string logprobs_text(const Answer& answer, const Tokenizer& tokenizer);

}  // namespace sparrow::cli
