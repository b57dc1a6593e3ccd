// What Ollama's routes share: their errors, durations, options and messages.
// Shapes and texts: Ollama's API documentation and source as of August 2026.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "api/opened_model.h"
#include "server/answering.h"
#include "server/http/failure.h"
#include "server/http/route.h"
#include "server/json_fields.h"
#include "server/server_state.h"
#include "sparrow/chat.h"

namespace sparrow::ollama {

std::vector<http::Route> routes(ServerState& state);

// {"error": "TEXT"}, and with it a "code" where there is a machine's word for it.
Json error_json(const http::Failure& failure);
http::ErrorBody error_body(const http::Failure& failure);

// `keep_alive`: seconds as a number, or a Go duration such as "5m", "1h30m", "-1" or "0"; below
// zero: for good. Throws Error{invalid_argument}.
std::optional<KeepAlive> parse_keep_alive(const JsonFields& fields);
KeepAlive parse_duration(std::string_view text);

// The defaults of /api where a model says nothing: temperature 0.8, top_p 0.9, top_k 40, min_p 0.
SamplingParams general_params();

// What `options` may hold beside sampling.
struct Options {
  SamplingParams params;
  int64_t context_length = 0;  // num_ctx; 0: the engine's
};
// Ollama's options, and every field of the table by its own name. Unknown and dead ones are
// ignored, as Ollama does. Throws Error{invalid_argument}: `option
// "top_k" must be of type integer`.
Options parse_options(const JsonFields& request, const OpenedModel& model);
// The schema of such an object.
Json options_schema();

// The same names for a model's saved parameters: num_ctx becomes "context", num_predict
// "max_tokens". And back, for /api/show.
Json saved_params(const JsonFields& parameters);
Json option_values(const Json& saved);

// "format" and what else waits for constrained decoding. Throws Error{unsupported}.
void refuse_constraints(const JsonFields& request);

// Templates of Ollama's own models are in Go's template language, which is not read here. Throws
// Error{unsupported}.
void refuse_go_template(const std::string& text);

// "model", or "name" as older clients say. Throws Error{invalid_argument}: "model is required".
std::string model_of(const JsonFields& request);
// Of the store or of those served. Throws Error{not_found} in the words of routes that answer:
// `model "x" not found, try pulling it first`.
StoredModel find_for_answer(const ServerState& state, const std::string& name);

// A list of messages in the wire's form. Throws Error{invalid_argument}.
std::vector<Message> parse_messages(const Json& list, const std::string& model);

int64_t nanoseconds(double seconds);
// How long a part took, in nanoseconds, for the last line of an answer; what took no time is left
// out.
Json timings(const RequestStats& stats, double load_s, double total_s);

}  // namespace sparrow::ollama
