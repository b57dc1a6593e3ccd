#include "apps/cli/chat_params.h"

#include <algorithm>
#include <array>

#include "base/error.h"
#include "sampling/params_json.h"

namespace sparrow::cli {
namespace {

struct OtherName {
  std::string_view ollama;
  std::string_view ours;
};
constexpr std::array<OtherName, 3> kOllamaNames = {{
    {"num_predict", "max_tokens"},
    {"repeat_last_n", "penalty_window"},
    {"num_ctx", kContextParameter},
}};

}  // namespace

std::string_view parameter_name(std::string_view name) {
  for (const OtherName& other : kOllamaNames) {
    if (name == other.ollama) return other.ours;
  }
  return name;
}

void ChatParams::set(std::string_view name, std::span<const std::string> values) {
  SamplingParams changed = params_;
  set_sampling_field(changed, name, values);
  validate(changed);
  params_ = std::move(changed);
  if (std::find(chosen_.begin(), chosen_.end(), name) == chosen_.end()) chosen_.emplace_back(name);
}

Json ChatParams::chosen_json() const {
  const Json all = sampling_json(params_);
  Json json = Json::object();
  for (const std::string& name : chosen_) {
    if (!all.at(name).is_null()) json[name] = all.at(name);
  }
  return json;
}

}  // namespace sparrow::cli
