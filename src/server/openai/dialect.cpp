#include "server/openai/dialect.h"

#include "api/model_defaults.h"
#include "base/error.h"
#include "sampling/params_json.h"
#include "server/wire.h"

namespace sparrow::openai {
namespace {

// Names on the wire that are not the field's own.
constexpr std::pair<std::string_view, std::string_view> kRenamed[] = {
    {"repetition_penalty", "repeat_penalty"},
};
// Fields of the table that a route reads by itself.
constexpr std::string_view kNotHere[] = {"max_tokens", "logprobs", "prompt_logprobs", "stop",
                                         "logit_bias"};

std::string_view error_type(int status) {
  switch (status) {
    case 401:
      return "authentication_error";
    case 403:
      return "permission_error";
    case 404:
      return "not_found_error";
    case 429:
      return "rate_limit_error";
    case 503:
      return "unavailable_error";
    default:
      return status < 500 ? "invalid_request_error" : "server_error";
  }
}

}  // namespace

Json error_json(const http::Failure& failure) {
  const auto or_null = [](const std::string& text) { return text.empty() ? Json() : Json(text); };
  return {{"error",
           {{"message", failure.message},
            {"type", error_type(failure.status)},
            {"param", or_null(failure.parameter)},
            {"code", or_null(failure.code)}}}};
}

http::ErrorBody error_body(const http::Failure& failure) {
  return {"application/json", to_wire(error_json(failure))};
}

SamplingParams general_params() {
  SamplingParams params;
  params.temperature = 1;
  params.top_k = 0;
  params.top_p = 1;
  params.min_p = 0;
  params.penalty_window = -1;
  return params;
}

SamplingParams parse_params(const JsonFields& request, const OpenedModel& model) {
  SamplingParams params = model_params(model.stored, model.file->metadata(), general_params());
  Json chosen = Json::object();
  for (const SamplingField& field : sampling_fields()) {
    if (std::ranges::find(kNotHere, field.name) != std::end(kNotHere)) continue;
    if (const Json* value = request.find(field.name)) chosen[std::string(field.name)] = *value;
  }
  for (const auto& [wire, field] : kRenamed) {
    if (const Json* value = request.find(wire)) chosen[std::string(field)] = *value;
  }
  // vLLM's word for "all".
  if (chosen.contains("top_k") && chosen["top_k"] == -1) chosen["top_k"] = 0;
  if (request.find("stop") != nullptr) chosen["stop"] = request.texts("stop");
  if (const Json* biases = request.object("logit_bias")) chosen["logit_bias"] = *biases;
  set_sampling_fields(params, chosen);
  return params;
}

int64_t parse_n(const JsonFields& request) {
  const int64_t n = request.integer("n").value_or(1);
  if (n < 1 || n > 8) fail(ErrorCode::invalid_argument, "n must be in [1, 8], got {}", n);
  return n;
}

void refuse_constraints(const JsonFields& request) {
  const auto refuse = [](std::string_view what) {
    fail(ErrorCode::unsupported,
         "{} is not supported yet: constrained decoding comes with a later version", what);
  };
  if (const Json* format = request.object("response_format")) {
    const std::string type = JsonFields(*format, "response_format").required_text("type");
    if (type != "text") refuse(fmt::format("response_format of type {}", type));
  }
  for (const char* name : {"structured_outputs", "grammar", "guided_json", "guided_regex",
                           "guided_choice", "guided_grammar", "json_schema"}) {
    if (request.find(name) != nullptr) refuse(name);
  }
}

Json usage_json(int64_t prompt_tokens, int64_t output_tokens, int64_t cached_tokens) {
  return {{"prompt_tokens", prompt_tokens},
          {"completion_tokens", output_tokens},
          {"total_tokens", prompt_tokens + output_tokens},
          {"prompt_tokens_details", {{"cached_tokens", cached_tokens}}}};
}

std::string_view finish_reason(FinishReason reason, bool has_calls) {
  if (reason == FinishReason::length) return "length";
  return has_calls ? "tool_calls" : "stop";
}

}  // namespace sparrow::openai
