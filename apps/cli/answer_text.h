// What is told about an answer once it has ended.
#pragma once

#include <string>

#include "apps/cli/answerer.h"

namespace sparrow::cli {

// The lines of --verbose, as Ollama has them. `load_s` is left out if it is negative, and all but
// the time where nothing else is known.
std::string verbose_text(const Answer& answer, double load_s);

// A line for each token of an answer whose params ask for logprobs: `-0.0123  " Paris"`, and the
// most likely ones beside it.
std::string logprobs_text(const Answer& answer);

// "context 8,192 of 32,768 tokens, for …", and which server answers.
std::string context_text(const LoadedContext& context, const std::string& place);

}  // namespace sparrow::cli
