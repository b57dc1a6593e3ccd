// Prompts that are not conversations: what /v1/completions and /v1/embeddings read.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "api/opened_model.h"
#include "server/json_fields.h"

namespace sparrow::openai {

// A string, a list of strings, a list of token ids, or a list of such lists: the ids of each. Texts
// begin as the tokenizer wants it unless add_special_tokens is false; control tokens in them count.
// truncate_prompt_tokens keeps that many of the last ones. Throws Error{invalid_argument}: it is
// something else, is absent, or holds more than `most`.
std::vector<std::vector<TokenId>> parse_prompts(const JsonFields& request, std::string_view name,
                                                const OpenedModel& model, size_t most);

}  // namespace sparrow::openai
