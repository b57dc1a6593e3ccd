// What OpenAI's routes share: errors, sampling fields with vLLM's extras, usage.
// Shapes: OpenAI's API reference; extras: vLLM's OpenAI-compatible server.
#pragma once

#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "api/opened_model.h"
#include "server/answering.h"
#include "server/event_stream.h"
#include "server/http/failure.h"
#include "server/http/route.h"
#include "server/json_fields.h"
#include "server/server_state.h"

namespace sparrow::openai {

std::vector<http::Route> routes(ServerState& state);

// {"error": {"message", "type", "param", "code"}}.
http::ErrorBody error_body(const http::Failure& failure);
Json error_json(const http::Failure& failure);

// A response of its own where nothing was sent yet; else an event, and the end.
void fail_stream(EventStream& stream, const http::Failure& failure);

// With the field at fault, which our messages begin with, and OpenAI's words for what clients act
// on: context_length_exceeded, model_not_found.
http::Failure failure_of(const Error& error);

// The defaults of /v1 where a model says nothing: temperature 1, nothing cut.
SamplingParams general_params();

// Every sampling field of OpenAI's, of vLLM's and, by its own name, of sparrow's. `max_tokens` and
// logprobs are the caller's: their names differ between routes. Throws Error{invalid_argument}.
SamplingParams parse_params(const JsonFields& request, const OpenedModel& model);
// The schemas of the fields that it reads, and of those that refuse_constraints refuses.
Json params_schema();

// Requests for `count` answers to one prompt, with vLLM's fields of a request: priority, and
// skip_special_tokens, which shows control tokens. Seeds go up from that of `params`, which is
// drawn if it is none.
std::vector<Request> make_requests(const JsonFields& request, const Engine& engine,
                                   std::span<const int32_t> prompt, const SamplingParams& params,
                                   int64_t count);

// A count of answers, 1 to 8, under this name.
int64_t parse_count(const JsonFields& request, std::string_view name);

// Of stream_options.
bool parse_include_usage(const JsonFields& request);

// The length of an answer: the first of these fields that is there.
int64_t parse_max_tokens(const JsonFields& request, std::initializer_list<std::string_view> names,
                         int64_t otherwise);

// A number of likeliest tokens, 0 to 20; -1 if it is absent.
int64_t parse_logprob_count(const JsonFields& request, std::string_view name);

// response_format, structured_outputs, grammar, guided_*: what waits for constrained decoding is
// refused by name, never ignored; so is beam search. Throws Error{unsupported}.
void refuse_constraints(const JsonFields& request);

// prompt_tokens, completion_tokens, total_tokens, prompt_tokens_details.
Json usage_json(int64_t prompt_tokens, int64_t output_tokens, int64_t cached_tokens);

// "stop", "length"; "tool_calls" where the answer has any.
std::string_view finish_reason(FinishReason reason, bool has_calls);

// vLLM's: the stop string or the id that ended an answer, null for an end of its own.
Json stop_reason(const TextDelta& last, const OpenedModel& model);

}  // namespace sparrow::openai
