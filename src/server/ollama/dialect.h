// What Ollama's routes share: their errors, durations, options, and how a model is described.
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

namespace sparrow::ollama {

std::vector<http::Route> routes(ServerState& state);

// {"error": "TEXT"}.
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
// Unknown and dead options are ignored, as Ollama does. Throws Error{invalid_argument}: `option
// "top_k" must be of type integer`.
Options parse_options(const JsonFields& request, const OpenedModel& model);

// "format" and what else waits for constrained decoding. Throws Error{unsupported}.
void refuse_constraints(const JsonFields& request);

// parent_model, format, family, families, parameter_size, quantization_level.
Json details_of(const StoredModel& model);
// "completion", "tools", "embedding", …
std::vector<std::string> capabilities_of(const OpenedModel& model);

// How long a part took, in nanoseconds, for the last line of an answer.
Json timings(const RequestStats& stats, double load_s, double total_s);

}  // namespace sparrow::ollama
