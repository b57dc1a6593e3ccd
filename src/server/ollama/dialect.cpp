#include "server/ollama/dialect.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "api/model_defaults.h"
#include "base/error.h"
#include "sampling/params_json.h"
#include "server/off_values.h"
#include "server/sampling_schema.h"
#include "server/wire.h"

namespace sparrow::ollama {
namespace {

// An option of Ollama's and the sampling field it sets.
struct OptionField {
  std::string_view option;
  std::string_view field;
  bool is_integer;
};

// Those that are a model's, not a request's, and those that do nothing here: only their types
// count.
constexpr std::string_view kOtherIntegers[] = {
    "num_ctx", "num_keep", "num_batch", "num_gpu", "main_gpu", "num_thread", "draft_num_predict"};

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

// Any number below zero is a way to say this one.
constexpr OffValue kOffBelowZero[] = {
    {"max_tokens", -1}, {"seed", -1}, {"penalty_window", -1}, {"top_k", 0}};

constexpr int64_t kLongestContext = 1 << 24;

[[noreturn]] void refuse_option(std::string_view name, std::string_view type) {
  fail(ErrorCode::invalid_argument, "option \"{}\" must be of type {}", name, type);
}

// Of the options that are integers. 3.0 is one too.
void check_integer(std::string_view name, const Json& value) {
  const double number = value.is_number() ? value.get<double>() : NAN;
  if (!(std::abs(number) <= 0x1p53) || std::floor(number) != number) refuse_option(name, "integer");
}

// Fields of the table that a request says outside of its options.
constexpr std::string_view kNotOptions[] = {"logprobs", "prompt_logprobs"};

// As sampling fields. "Fill the context" and other words for as long as it goes become -1.
Json sampling_fields_of(const JsonFields& fields) {
  Json chosen = Json::object();
  for (const SamplingField& field : sampling_fields()) {
    if (std::ranges::find(kNotOptions, field.name) != std::end(kNotOptions)) continue;
    const bool is_ollamas =
        std::ranges::find(kOptions, field.name, &OptionField::option) != std::end(kOptions) ||
        field.name == "stop";
    if (is_ollamas) continue;
    if (const Json* value = fields.find(field.name)) chosen[std::string(field.name)] = *value;
  }
  put_off_values(chosen, kOffBelowZero);
  SamplingParams checked;  // what Ollama's name for it counts more than must be right too
  set_sampling_fields(checked, chosen, "options");
  for (const OptionField& row : kOptions) {
    const Json* value = fields.find(row.option);
    if (value == nullptr) continue;
    if (row.is_integer) check_integer(row.option, *value);
    if (!value->is_number()) refuse_option(row.option, "float32");
    Json& field = chosen[std::string(row.field)];
    field = *value;
    if (row.is_integer) field = static_cast<int64_t>(value->get<double>());
  }
  put_off_values(chosen, kOffBelowZero);
  // The likeliest token alone, as llama.cpp takes it.
  if (chosen.contains("top_p") && chosen["top_p"] == 0) chosen["top_p"] = 1e-6;
  if (const Json* stop = fields.find("stop")) {
    if (!stop->is_array() && !stop->is_string()) refuse_option("stop", "array");
    if (stop->is_array() &&
        !std::ranges::all_of(*stop, [](const Json& s) { return s.is_string(); }))
      fail(ErrorCode::invalid_argument, "option \"stop\" must be of an array of strings");
    chosen["stop"] = fields.texts("stop");
  }
  for (const std::string_view name : kOtherIntegers) {
    if (const Json* value = fields.find(name)) check_integer(name, *value);
  }
  const Json* use_mmap = fields.find("use_mmap");
  if (use_mmap != nullptr && !use_mmap->is_boolean()) refuse_option("use_mmap", "boolean");
  return chosen;
}

// Below zero: for good.
KeepAlive keep_alive_of(double seconds) {
  constexpr double kLongest_s = 1e9;
  if (seconds < 0) return std::nullopt;
  return std::chrono::milliseconds(static_cast<int64_t>(std::min(seconds, kLongest_s) * 1000));
}

int64_t context_of(const JsonFields& fields) {
  const double tokens = fields.number("num_ctx").value_or(0);
  if (!(tokens >= 0 && tokens <= kLongestContext)) {
    fail(ErrorCode::invalid_argument, "option \"num_ctx\" must be in [0, {}], got {}",
         kLongestContext, tokens);
  }
  return static_cast<int64_t>(tokens);
}

}  // namespace

Json error_json(const http::Failure& failure) {
  Json json = {{"error", failure.message}};
  if (!failure.code.empty()) json["code"] = failure.code;
  return json;
}

http::ErrorBody error_body(const http::Failure& failure) {
  return {"application/json; charset=utf-8", to_wire(error_json(failure))};
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
  return keep_alive_of(is_negative ? -total_s : total_s);
}

std::optional<KeepAlive> parse_keep_alive(const JsonFields& fields) {
  const Json* value = fields.find("keep_alive");
  if (value == nullptr) return std::nullopt;
  if (value->is_string()) return parse_duration(value->get<std::string>());
  if (!value->is_number()) fields.refuse("keep_alive", "a number of seconds or a duration", *value);
  return keep_alive_of(value->get<double>());
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
  options.context_length = saved_context(model.stored).value_or(0);
  const Json* given = request.object("options");
  if (given == nullptr) return options;
  const JsonFields fields(*given, "options");
  set_sampling_fields(options.params, sampling_fields_of(fields), "options");
  if (const int64_t context = context_of(fields)) options.context_length = context;
  return options;
}

Json options_schema() {
  const SamplingParams general = general_params();
  constexpr int64_t kLeast = -(int64_t{1} << 53);  // what a double holds whole
  constexpr int64_t kMost = int64_t{1} << 53;
  Json fields = Json::object();
  for (const SamplingField& field : sampling_fields()) {
    if (std::ranges::find(kNotOptions, field.name) != std::end(kNotOptions)) continue;
    Json& schema = fields[std::string(field.name)] = sampling_schema(field, general);
    if (is_off_below_zero(field.name, kOffBelowZero)) schema["minimum"] = kLeast;
  }
  for (const OptionField& row : kOptions) {
    Json schema = sampling_schema(*find_sampling_field(row.field), general);
    if (is_off_below_zero(row.field, kOffBelowZero)) schema["minimum"] = kLeast;
    if (row.is_integer && schema["maximum"].get<int64_t>() > kMost) schema["maximum"] = kMost;
    fields[std::string(row.option)] = std::move(schema);
  }
  fields["top_p"].erase("exclusiveMinimum");
  fields["top_p"]["minimum"] = 0;
  fields["stop"] = sampling_schema(*find_sampling_field("stop"), general);
  for (const std::string_view name : kOtherIntegers) {
    fields[std::string(name)] = {
        {"type", {"integer", "null"}}, {"minimum", kLeast}, {"maximum", kMost}};
  }
  fields["num_ctx"]["minimum"] = 0;
  fields["num_ctx"]["maximum"] = kLongestContext;
  fields["use_mmap"] = {{"type", {"boolean", "null"}}};
  return {{"type", {"object", "null"}}, {"properties", std::move(fields)}};
}

Json saved_params(const JsonFields& parameters) {
  Json saved = sampling_fields_of(parameters);
  SamplingParams checked;
  set_sampling_fields(checked, saved, "parameters");
  if (const int64_t context = context_of(parameters))
    saved[std::string(kContextParameter)] = context;
  return saved;
}

Json option_values(const Json& saved) {
  Json options = Json::object();
  for (const auto& [name, value] : saved.items()) {
    const std::string& field = name;
    const auto row = std::ranges::find(kOptions, std::string_view(field), &OptionField::field);
    if (row != std::end(kOptions)) {
      options[std::string(row->option)] = value;
    } else {
      options[field == kContextParameter ? "num_ctx" : field] = value;
    }
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

std::string model_of(const JsonFields& request) {
  std::string name = request.text("model").value_or("");
  if (name.empty()) name = request.text("name").value_or("");
  if (name.empty()) fail(ErrorCode::invalid_argument, "model is required");
  return name;
}

StoredModel find_for_answer(const ServerState& state, const std::string& name) {
  try {
    return state.models.find(name);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::not_found) throw;
    fail(ErrorCode::not_found, "model \"{}\" not found, try pulling it first", name);
  }
}

std::vector<Message> parse_messages(const Json& list, const std::string& model) {
  check_message_count(list);
  std::vector<Message> messages;
  for (size_t i = 0; i < list.size(); ++i) {
    const std::string path = fmt::format("messages[{}]", i);
    const JsonFields fields(list[i], path);
    if (const Json* images = fields.list("images"); images != nullptr && !images->empty()) {
      fail(ErrorCode::invalid_argument,
           "{} has images, and \"{}\" does not support images: it reads text only", path, model);
    }
    Message message;
    message.role = to_lower_ascii(fields.required_text("role"));
    const Json* content = fields.find("content");
    if (content != nullptr) message.content = content_text(*content, path + ".content");
    message.reasoning = fields.text("thinking").value_or("");
    message.name = fields.text("tool_name").value_or(fields.text("name").value_or(""));
    message.tool_call_id = fields.text("tool_call_id").value_or("");
    if (const Json* calls = fields.list("tool_calls")) {
      for (size_t k = 0; k < calls->size(); ++k) {
        const JsonFields call((*calls)[k], fmt::format("{}.tool_calls[{}]", path, k));
        const Json* function = call.object("function");
        if (function == nullptr)
          fail(ErrorCode::invalid_argument, "{} is required", call.path_of("function"));
        const JsonFields parts(*function, call.path_of("function"));
        const Json* arguments = parts.object("arguments");
        message.tool_calls.push_back({.id = call.text("id").value_or(""),
                                      .name = parts.required_text("name"),
                                      .arguments = arguments ? arguments->dump() : "{}"});
      }
    }
    messages.push_back(std::move(message));
  }
  return messages;
}

void refuse_go_template(const std::string& text) {
  for (const char* mark : {"{{ .", "{{.", "{{- ."}) {
    if (text.find(mark) == std::string::npos) continue;
    fail(ErrorCode::unsupported,
         "template is written in Go's template language; here a template is Jinja, as models bring "
         "it with them: leave it out");
  }
}

int64_t nanoseconds(double seconds) { return static_cast<int64_t>(std::llround(seconds * 1e9)); }

Json timings(const RequestStats& stats, double load_s, double total_s) {
  const int64_t load = nanoseconds(load_s);
  const int64_t prompt = nanoseconds(stats.prefill_s);
  const int64_t eval = nanoseconds(stats.decode_s);
  Json json = Json::object();
  const auto put = [&](const char* name, int64_t duration) {
    if (duration > 0) json[name] = duration;
  };
  put("total_duration", std::max(nanoseconds(total_s), load + prompt + eval));
  put("load_duration", load);
  json["prompt_eval_count"] = stats.prompt_tokens;
  put("prompt_eval_duration", prompt);
  json["eval_count"] = stats.output_tokens;
  put("eval_duration", eval);
  return json;
}

}  // namespace sparrow::ollama
