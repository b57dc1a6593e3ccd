// What OpenAI's routes share: errors, sampling fields with vLLM's extras, usage.
// Shapes: OpenAI's API reference; extras: vLLM's OpenAI-compatible server.
#pragma once

#include <string>
#include <vector>

#include "api/opened_model.h"
#include "server/answering.h"
#include "server/http/failure.h"
#include "server/http/route.h"
#include "server/json_fields.h"
#include "server/server_state.h"

namespace sparrow::openai {

std::vector<http::Route> routes(ServerState& state);

// {"error": {"message", "type", "param", "code"}}.
http::ErrorBody error_body(const http::Failure& failure);
Json error_json(const http::Failure& failure);

// The defaults of /v1 where a model says nothing: temperature 1, nothing cut.
SamplingParams general_params();

// Every sampling field of OpenAI's, of vLLM's and, by its own name, of sparrow's. `max_tokens` and
// logprobs are the caller's: their names differ between routes. Throws Error{invalid_argument}.
SamplingParams parse_params(const JsonFields& request, const OpenedModel& model);

// How many answers are wanted, 1 to 8.
int64_t parse_n(const JsonFields& request);

// response_format, structured_outputs, grammar, guided_*: what waits for constrained decoding is
// refused by name, never ignored. Throws Error{unsupported}.
void refuse_constraints(const JsonFields& request);

// prompt_tokens, completion_tokens, total_tokens, prompt_tokens_details.
Json usage_json(int64_t prompt_tokens, int64_t output_tokens, int64_t cached_tokens);

// "stop", "length"; "tool_calls" where the answer has any.
std::string_view finish_reason(FinishReason reason, bool has_calls);

}  // namespace sparrow::openai
