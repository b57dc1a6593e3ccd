#include "server/ollama/dialect.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "api/model_defaults.h"
#include "base/error.h"
#include "sampling/params_json.h"
#include "server/wire.h"
#include "store/catalog.h"

namespace sparrow::ollama {
namespace {

// An option of Ollama's and the sampling field it sets.
struct OptionField {
  std::string_view option;
  std::string_view field;
  bool is_integer;
};

constexpr OptionField kOptions[] = {
    {"num_predict", "max_tokens", true},
    {"seed", "seed", true},
    {"temperature", "temperature", false},
    {"top_k", "top_k", true},
    {"top_p", "top_p", false},
    {"min_p", "min_p", false},
    {"typical_p", "typical_p", false},
    {"repeat_last_n", "penalty_window", true},
    {"repeat_penalty", "repeat_penalty", false},
    {"presence_penalty", "presence_penalty", false},
    {"frequency_penalty", "frequency_penalty", false},
    {"mirostat", "mirostat", true},
    {"mirostat_tau", "mirostat_tau", false},
    {"mirostat_eta", "mirostat_eta", false},
};

[[noreturn]] void refuse_option(std::string_view name, std::string_view type) {
  fail(ErrorCode::invalid_argument, "option \"{}\" must be of type {}", name, type);
}

int64_t nanoseconds(double seconds) { return static_cast<int64_t>(std::llround(seconds * 1e9)); }

}  // namespace

http::ErrorBody error_body(const http::Failure& failure) {
  return {"application/json; charset=utf-8", to_wire(Json{{"error", failure.message}})};
}

// Go's grammar: a sign, then numbers with units, at least one; a bare number counts seconds.
KeepAlive parse_duration(std::string_view text) {
  const auto refuse = [&] {
    fail(ErrorCode::invalid_argument,
         "invalid duration \"{}\": a number of seconds, or one such as 5m, 1h30m, 300ms, -1", text);
  };
  std::string_view rest = text;
  const bool is_negative = rest.starts_with('-');
  if (is_negative || rest.starts_with('+')) rest.remove_prefix(1);
  double total_s = 0;
  if (rest.empty()) refuse();
  while (!rest.empty()) {
    double number = 0;
    const auto [end, error] =
        std::from_chars(rest.data(), rest.data() + rest.size(), number, std::chars_format::fixed);
    if (error != std::errc() || number < 0) refuse();
    rest.remove_prefix(static_cast<size_t>(end - rest.data()));
    constexpr std::pair<std::string_view, double> kUnits[] = {
        {"ns", 1e-9}, {"us", 1e-6}, {"µs", 1e-6}, {"ms", 1e-3}, {"s", 1}, {"m", 60}, {"h", 3600}};
    const bool is_bare = rest.empty() && total_s == 0;
    const auto unit =
        std::ranges::find_if(kUnits, [&](const auto& row) { return rest.starts_with(row.first); });
    if (!is_bare && unit == std::end(kUnits)) refuse();
    total_s += number * (is_bare ? 1 : unit->second);
    if (!is_bare) rest.remove_prefix(unit->first.size());
  }
  if (is_negative && total_s > 0) return std::nullopt;
  constexpr double kLongest_s = 1e9;
  return std::chrono::milliseconds(static_cast<int64_t>(std::min(total_s, kLongest_s) * 1000));
}

std::optional<KeepAlive> parse_keep_alive(const JsonFields& fields) {
  const Json* value = fields.find("keep_alive");
  if (value == nullptr) return std::nullopt;
  if (value->is_string()) return parse_duration(value->get<std::string>());
  if (!value->is_number()) fields.refuse("keep_alive", "a number of seconds or a duration", *value);
  return parse_duration(fmt::format("{}", value->get<double>()));
}

SamplingParams general_params() {
  SamplingParams params;
  params.temperature = 0.8;
  params.top_k = 40;
  params.top_p = 0.9;
  params.min_p = 0;
  return params;
}

Options parse_options(const JsonFields& request, const OpenedModel& model) {
  Options options;
  options.params = model_params(model.stored, model.file->metadata(), general_params());
  const Json* given = request.object("options");
  if (given == nullptr) return options;
  const JsonFields fields(*given, "options");
  Json chosen = Json::object();
  for (const OptionField& row : kOptions) {
    const Json* value = fields.find(row.option);
    if (value == nullptr) continue;
    if (!value->is_number()) refuse_option(row.option, row.is_integer ? "integer" : "float");
    if (!row.is_integer) {
      chosen[std::string(row.field)] = *value;
      continue;
    }
    const double number = value->get<double>();
    if (std::floor(number) != number) refuse_option(row.option, "integer");
    chosen[std::string(row.field)] = *value;
  }
  // "Fill the context" and other words for as long as it goes.
  if (chosen.contains("max_tokens") && chosen["max_tokens"].get<double>() < 0)
    chosen["max_tokens"] = -1;
  if (chosen.contains("seed") && chosen["seed"].get<double>() < 0) chosen["seed"] = -1;
  if (chosen.contains("top_k") && chosen["top_k"].get<double>() < 0) chosen["top_k"] = 0;
  if (fields.find("stop") != nullptr) {
    if (!fields.find("stop")->is_array() && !fields.find("stop")->is_string())
      refuse_option("stop", "array");
    chosen["stop"] = fields.texts("stop");
  }
  set_sampling_fields(options.params, chosen, "options");
  const Json* context = fields.find("num_ctx");
  if (context != nullptr) {
    if (!context->is_number()) refuse_option("num_ctx", "integer");
    const double tokens = context->get<double>();
    if (!(tokens >= 0 && tokens <= 1 << 24)) {
      fail(ErrorCode::invalid_argument, "option \"num_ctx\" must be in [0, 16777216], got {}",
           tokens);
    }
    options.context_length = static_cast<int64_t>(tokens);
  }
  return options;
}

void refuse_constraints(const JsonFields& request) {
  const Json* format = request.find("format");
  if (format == nullptr || (format->is_string() && format->get<std::string>().empty())) return;
  fail(ErrorCode::unsupported,
       "format is not supported yet: constrained decoding comes with a later version; ask for JSON "
       "in the prompt");
}

Json details_of(const StoredModel& model) {
  const auto config = [&](const char* name) { return model.config.value(name, std::string()); };
  const std::string family = config("model_family");
  return {{"parent_model", ""},
          {"format", "gguf"},
          {"family", family},
          {"families", Json::array({family})},
          {"parameter_size", config("model_type")},
          {"quantization_level", config("file_type")}};
}

std::vector<std::string> capabilities_of(const OpenedModel& model) {
  std::vector<std::string> capabilities = {"completion"};
  if (output_format_of(*model.chat_template).name != std::string_view("plain"))
    capabilities.push_back("tools");
  if (has_reasoning(*model.chat_template)) capabilities.push_back("thinking");
  return capabilities;
}

Json timings(const RequestStats& stats, double load_s, double total_s) {
  const int64_t load = nanoseconds(load_s);
  const int64_t prompt = nanoseconds(stats.prefill_s);
  const int64_t eval = nanoseconds(stats.decode_s);
  return {{"total_duration", std::max(nanoseconds(total_s), load + prompt + eval)},
          {"load_duration", load},
          {"prompt_eval_count", stats.prompt_tokens},
          {"prompt_eval_duration", prompt},
          {"eval_count", stats.output_tokens},
          {"eval_duration", eval}};
}

}  // namespace sparrow::ollama
