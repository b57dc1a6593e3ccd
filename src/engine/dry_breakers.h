// DRY's sequence breakers, given as text, as token ids.
#pragma once

#include <span>
#include <string>

#include "sampling/sampling_state.h"
#include "text/tokenizer.h"

namespace sparrow {

// Every token that holds a breaker breaks by itself. A breaker that tokens may share is also a
// sequence: each token that ends with its beginning, followed by the tokens of the rest (as
// koboldcpp and llama.cpp resolve them), and its own tokens. Breakers are valid UTF-8. Reads the
// whole vocabulary: some milliseconds.
DryBreakers resolve_dry_breakers(const Tokenizer& tokenizer, std::span<const std::string> breakers);

}  // namespace sparrow
