#include "engine/sampling_defaults.h"

#include <charconv>

#include "base/error.h"
#include "base/log.h"
#include "sampling/params_json.h"

namespace sparrow {
namespace {

// The keys of the gguf package 0.19 (constants.py, Keys.General.SAMPLING_*) and our names.
struct FileKey {
  const char* key;
  const char* field;
  bool is_integer;
};

constexpr FileKey kFileKeys[] = {
    {"general.sampling.temp", "temperature", false},
    {"general.sampling.top_k", "top_k", true},
    {"general.sampling.top_p", "top_p", false},
    {"general.sampling.min_p", "min_p", false},
    {"general.sampling.xtc_probability", "xtc_probability", false},
    {"general.sampling.xtc_threshold", "xtc_threshold", false},
    {"general.sampling.penalty_last_n", "penalty_window", true},
    {"general.sampling.penalty_repeat", "repeat_penalty", false},
    {"general.sampling.mirostat", "mirostat", true},
    {"general.sampling.mirostat_tau", "mirostat_tau", false},
    {"general.sampling.mirostat_eta", "mirostat_eta", false},
};

// The order of steps that a file may ask for, a letter a step; ours is fixed.
constexpr const char* kOrderKey = "general.sampling.sequence";

Json read_value(const Metadata& file, const FileKey& row) {
  if (!row.is_integer) {
    // What was written as 0.7f is meant as 0.7.
    const std::string text = fmt::format("{}", static_cast<float>(*file.find_float(row.key)));
    double value = 0;
    std::from_chars(text.data(), text.data() + text.size(), value);
    return value;
  }
  const int64_t value = *file.find_int(row.key);
  // "Off" is written as 0 or as a negative number.
  return row.field == std::string_view("top_k") && value < 0 ? 0 : value;
}

}  // namespace

SamplingParams default_sampling(const Metadata& file, const Json& catalog,
                                const SamplingParams& general) {
  SamplingParams params = general;
  set_sampling_fields(params, catalog, "catalog");
  for (const FileKey& row : kFileKeys) {
    if (!file.has(row.key)) continue;
    try {
      set_sampling_fields(params, Json{{row.field, read_value(file, row)}}, row.key);
    } catch (const Error& error) {
      log().warn("left out: {}", error.what());
    }
  }
  if (file.has(kOrderKey)) {
    log().warn("{} is not followed: the order of the sampling steps is fixed", kOrderKey);
  }
  return params;
}

}  // namespace sparrow
