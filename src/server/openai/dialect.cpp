#include "server/openai/dialect.h"

#include <algorithm>
#include <random>

#include "api/model_defaults.h"
#include "base/error.h"
#include "sampling/params_json.h"
#include "server/sampling_schema.h"
#include "server/sampling_values.h"
#include "server/schema_text.h"
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

constexpr const char* kConstraints[] = {"structured_outputs", "grammar",       "guided_json",
                                        "guided_regex",       "guided_choice", "guided_grammar",
                                        "json_schema"};

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

// "messages[0].content" of "messages[0].content must be a string, got 3"; empty where a message is
// not about a field.
std::string field_of(std::string_view message) {
  constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyz_0123456789.[]";
  const size_t end = message.find_first_not_of(kLetters);
  if (end == 0 || end == std::string_view::npos) return "";
  const std::string_view rest = message.substr(end);
  for (const std::string_view verb :
       {" must ", " is required", " needs ", " is not ", " is of ", " is empty", " of type "}) {
    if (rest.starts_with(verb)) return std::string(message.substr(0, end));
  }
  return "";
}

}  // namespace

void fail_stream(EventStream& stream, const http::Failure& failure) {
  if (!stream.has_begun()) {
    stream.exchange().fail(failure);
    return;
  }
  stream.send(error_json(failure));
  stream.end_with_done();
}

http::Failure failure_of(const Error& error) {
  http::Failure failure = http::failure_of(error);
  switch (error.code()) {
    case ErrorCode::invalid_argument:
    case ErrorCode::unsupported:
      failure.parameter = field_of(failure.message);
      break;
    case ErrorCode::context_full:
      failure.code = "context_length_exceeded";
      break;
    case ErrorCode::not_found:
      failure.code = "model_not_found";
      failure.parameter = "model";
      break;
    default:
      break;
  }
  return failure;
}

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
  auto [chosen, renamed] = sampling_values(request, {kRenamed, kNotHere});
  // vLLM's word for "all".
  if (request.number("top_k") == -1) chosen["top_k"] = 0;
  if (request.find("stop") != nullptr) chosen["stop"] = request.texts("stop");
  if (const Json* biases = request.object("logit_bias")) chosen["logit_bias"] = *biases;
  set_sampling_fields(params, chosen);
  set_sampling_fields(params, renamed);
  return params;
}

Json params_schema() {
  const SamplingParams general = general_params();
  Json schema = Json::object();
  for (const SamplingField& field : sampling_fields()) {
    if (std::ranges::find(kNotHere, field.name) == std::end(kNotHere))
      schema[std::string(field.name)] = sampling_schema(field, general);
  }
  for (const auto& [wire, field] : kRenamed)
    schema[std::string(wire)] = sampling_schema(*find_sampling_field(field), general);
  schema["top_k"]["minimum"] = -1;
  for (const char* name : {"stop", "logit_bias"})
    schema[name] = sampling_schema(*find_sampling_field(name), general);
  for (const char* name : kConstraints) schema[name] = schema_of_type("null");
  return schema;
}

std::vector<Request> make_requests(const JsonFields& request, const Engine& engine,
                                   std::span<const int32_t> prompt, const SamplingParams& params,
                                   int64_t count) {
  Request wanted = {.prompt = {prompt.begin(), prompt.end()}, .params = params};
  // vLLM's lower numbers come first, and 0 is what nobody has set.
  if (request.integer("priority").value_or(0) > 0) wanted.priority = Priority::batch;
  if (!request.boolean("skip_special_tokens").value_or(true))
    wanted.shown_tokens = engine.info().control_tokens;
  const int64_t drawn = std::random_device()() >> 1;
  const int64_t seed = params.seed.value_or(-1) >= 0 ? *params.seed : drawn;
  std::vector<Request> requests;
  for (int64_t i = 0; i < count; ++i) {
    wanted.params.seed = seed > INT64_MAX - i ? i : seed + i;
    requests.push_back(wanted);
  }
  return requests;
}

int64_t parse_count(const JsonFields& request, std::string_view name) {
  const int64_t count = request.integer(name).value_or(1);
  if (count < 1 || count > 8)
    fail(ErrorCode::invalid_argument, "{} must be in [1, 8], got {}", name, count);
  return count;
}

bool parse_include_usage(const JsonFields& request) {
  const Json* options = request.object("stream_options");
  if (options == nullptr) return false;
  return JsonFields(*options, "stream_options").boolean("include_usage").value_or(false);
}

int64_t parse_max_tokens(const JsonFields& request, std::initializer_list<std::string_view> names,
                         int64_t otherwise) {
  const SamplingField& field = *find_sampling_field("max_tokens");
  std::optional<int64_t> first;
  for (const std::string_view name : names) {
    const std::optional<int64_t> count = request.integer(name);
    if (count && (*count < -1 || *count > static_cast<int64_t>(field.maximum)))
      fail(ErrorCode::invalid_argument, "{} must be {}, got {}", name, field.range, *count);
    if (!first) first = count;
  }
  return first.value_or(otherwise);
}

int64_t parse_logprob_count(const JsonFields& request, std::string_view name) {
  const std::optional<int64_t> count = request.integer(name);
  if (count && (*count < 0 || *count > 20))
    fail(ErrorCode::invalid_argument, "{} must be in [0, 20], got {}", name, *count);
  return count.value_or(-1);
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
  for (const char* name : kConstraints) {
    if (request.find(name) != nullptr) refuse(name);
  }
  if (request.boolean("use_beam_search").value_or(false))
    fail(ErrorCode::unsupported, "use_beam_search is not supported: ask for several answers by n");
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

Json stop_reason(const TextDelta& last, const OpenedModel& model) {
  if (!last.stop_string.empty()) return last.stop_string;
  const auto ends = model.tokenizer->end_of_generation();
  if (last.stop_token < 0 || std::ranges::find(ends, last.stop_token) != ends.end()) return nullptr;
  return last.stop_token;
}

}  // namespace sparrow::openai
