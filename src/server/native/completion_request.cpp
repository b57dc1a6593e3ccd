#include "server/native/completion_request.h"

#include <algorithm>
#include <charconv>
#include <map>

#include "api/model_defaults.h"
#include "base/error.h"
#include "sampling/params_json.h"
#include "server/native/completion.h"
#include "server/native/dialect.h"
#include "server/off_values.h"
#include "server/sampling_schema.h"
#include "server/sampling_values.h"
#include "server/schema_text.h"

namespace sparrow::native {
namespace {

constexpr size_t kMostPrompts = 128;
constexpr double kNever = -100;  // as a bias

// Names on the wire that are not the field's own.
constexpr std::pair<std::string_view, std::string_view> kRenamed[] = {
    {"repeat_last_n", "penalty_window"},
    {"dry_penalty_last_n", "dry_window"},
    {"n_predict", "max_tokens"},
    {"n_probs", "logprobs"},
};
// Any number below zero is a way to say this one, which the field itself takes.
constexpr OffValue kOffBelowZero[] = {
    {"top_k", 0}, {"max_tokens", -1}, {"seed", -1}, {"logprobs", -1}, {"temperature", 0}};
constexpr int64_t kAnySeed = 4294967295;
constexpr std::string_view kConstraints[] = {"grammar", "json_schema", "response_format"};
// Fields of the table that are read by themselves.
constexpr std::string_view kNotHere[] = {"logprobs", "prompt_logprobs", "logit_bias"};

bool is_id(const Json& value) { return value.is_number(); }

// One prompt. Only at its beginning the tokenizer adds what every text begins with.
std::vector<TokenId> parse_prompt(const Json& value, const std::string& path,
                                  const OpenedModel& model) {
  if (value.is_string()) return encode_raw(model, value.get<std::string>());
  if (!value.is_array()) {
    fail(ErrorCode::invalid_argument, "{} must be a string or a list of ids and strings, got {}",
         path, value.type_name());
  }
  std::vector<TokenId> ids;
  for (size_t i = 0; i < value.size(); ++i) {
    const Json& part = value[i];
    std::vector<TokenId> more;
    if (part.is_string()) {
      const std::string text = part.get<std::string>();
      more = i == 0 ? encode_raw(model, text) : model.tokenizer->encode(text, true);
    } else {
      more = parse_ids(Json::array({part}), path, model);
    }
    ids.insert(ids.end(), more.begin(), more.end());
  }
  return ids;
}

// {"id or text": bias or false, …} as the list of pairs that it stands for.
Json bias_pairs(const Json& biases) {
  if (biases.is_array()) return biases;
  Json pairs = Json::array();
  for (const auto& [key, bias] : biases.items()) {
    int32_t id = 0;
    const char* end = key.data() + key.size();
    const auto [rest, error] = std::from_chars(key.data(), end, id);
    const bool is_id = error == std::errc() && rest == end;
    pairs.push_back(Json::array({is_id ? Json(id) : Json(key), bias}));
  }
  return pairs;
}

// A text stands for each of its tokens, false for never.
std::map<int32_t, double> parse_biases(const JsonFields& request, const OpenedModel& model) {
  const Json* list = request.find("logit_bias");
  if (list == nullptr) return {};
  if (!list->is_array() && !list->is_object())
    request.refuse("logit_bias", "a list of pairs or an object", *list);
  const Json pairs = bias_pairs(*list);
  std::map<int32_t, double> biases;
  for (size_t i = 0; i < pairs.size(); ++i) {
    const std::string path = fmt::format("logit_bias[{}]", i);
    const Json& pair = pairs[i];
    const bool is_pair = pair.is_array() && pair.size() == 2 &&
                         (pair[1].is_number() || pair[1] == false) &&
                         (pair[0].is_number_integer() || pair[0].is_string());
    if (!is_pair)
      fail(ErrorCode::invalid_argument, "{} must be an id or a text and a bias or false", path);
    const double bias = pair[1].is_number() ? pair[1].get<double>() : kNever;
    const std::vector<TokenId> ids = pair[0].is_string()
                                         ? model.tokenizer->encode(pair[0].get<std::string>(), true)
                                         : parse_ids(Json::array({pair[0]}), path, model);
    for (const TokenId id : ids) biases[id] = bias;
  }
  return biases;
}

// Ways to say "off" and "any" that the field itself does not take.
void put_own_values(Json& chosen) {
  put_off_values(chosen, kOffBelowZero);
  if (chosen.contains("logprobs") && chosen["logprobs"] == 0) chosen["logprobs"] = -1;
  if (chosen.contains("seed") && chosen["seed"] == kAnySeed) chosen["seed"] = -1;
}

void refuse_constraints(const JsonFields& request) {
  for (const std::string_view name : kConstraints) {
    const Json* value = request.find(name);
    if (value == nullptr || *value == "" || *value == Json::object()) continue;
    fail(ErrorCode::unsupported,
         "{} is not supported yet: constrained decoding comes with a later version", name);
  }
}

}  // namespace

Prompts parse_prompts(const JsonFields& request, const OpenedModel& model) {
  const Json* prompt = request.find("prompt");
  if (prompt == nullptr) fail(ErrorCode::invalid_argument, "prompt is required");
  // A list without ids in it is a list of prompts.
  const bool is_list =
      prompt->is_array() && !prompt->empty() && std::ranges::none_of(*prompt, is_id);
  if (!is_list) return {{parse_prompt(*prompt, "prompt", model)}, false};
  if (prompt->size() > kMostPrompts) {
    fail(ErrorCode::invalid_argument, "prompt must hold at most {} prompts, got {}", kMostPrompts,
         prompt->size());
  }
  Prompts prompts = {.is_list = prompt->size() > 1};
  for (size_t i = 0; i < prompt->size(); ++i)
    prompts.ids.push_back(parse_prompt((*prompt)[i], fmt::format("prompt[{}]", i), model));
  return prompts;
}

SamplingParams parse_params(const JsonFields& request, const OpenedModel& model) {
  refuse_constraints(request);
  SamplingParams params = model_params(model.stored, model.file->metadata());
  // What has two names is there by either; llama-server's own counts.
  auto [chosen, renamed] = sampling_values(request, {kRenamed, kNotHere});
  put_own_values(chosen);
  put_own_values(renamed);
  if (request.find("stop") != nullptr) {
    std::vector<std::string> stop = request.texts("stop");
    std::erase(stop, "");
    chosen["stop"] = stop;
  }
  set_sampling_fields(params, chosen);
  set_sampling_fields(params, renamed);
  if (request.find("logit_bias") != nullptr) {
    params.logit_bias = parse_biases(request, model);
    validate(params);
  }
  return params;
}

Json params_schema() {
  const SamplingParams general;
  Json schema = Json::object();
  const auto put = [&](std::string_view name, const SamplingField& field) {
    Json& one = schema[std::string(name)] = sampling_schema(field, general);
    if (!is_off_below_zero(field.name, kOffBelowZero)) return;
    one.erase("minimum");
    if (one["type"][0] == "integer") one["minimum"] = INT64_MIN;
  };
  for (const SamplingField& field : sampling_fields())
    if (std::ranges::find(kNotHere, field.name) == std::end(kNotHere)) put(field.name, field);
  for (const auto& [wire, field] : kRenamed) put(wire, *find_sampling_field(field));
  for (const std::string_view name : kConstraints)
    schema[std::string(name)] = schema_of_type("''|null|{}(..0)");
  return schema;
}

Json settings_json(const SamplingParams& params) {
  Json settings = sampling_json(params);
  for (const auto& [wire, field] : kRenamed) {
    settings[std::string(wire)] = settings[std::string(field)];
    settings.erase(std::string(field));
  }
  settings.erase("prompt_logprobs");
  settings["n_probs"] = std::max<int64_t>(params.logprobs, 0);
  return settings;
}

}  // namespace sparrow::native
