// bad_words, given as text, as token ids.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "text/tokenizer.h"

namespace sparrow {

// Each word as the tokenizer writes it by itself and after a space, if it then begins with another
// token in as many: as vLLM resolves them.
std::vector<std::vector<TokenId>> resolve_bad_words(const Tokenizer& tokenizer,
                                                    std::span<const std::string> words);

}  // namespace sparrow
