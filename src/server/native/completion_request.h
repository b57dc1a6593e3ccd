// What /completion asks for, read from its JSON.
#pragma once

#include <vector>

#include "api/opened_model.h"
#include "server/json_fields.h"
#include "sparrow/sampling_params.h"

namespace sparrow::native {

// `prompt`: a text; ids; a list that mixes the two, which is one prompt; or a list of any of these,
// which is a prompt each (`is_list`).
struct Prompts {
  std::vector<std::vector<TokenId>> ids;
  bool is_list = false;
};
Prompts parse_prompts(const JsonFields& request, const OpenedModel& model);

// llama-server's names and defaults. Throws Error{invalid_argument}, and Error{unsupported} for
// what needs constrained decoding.
SamplingParams parse_params(const JsonFields& request, const OpenedModel& model);
// The schemas of the fields that it reads.
Json params_schema();

}  // namespace sparrow::native
