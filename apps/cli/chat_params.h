// The sampling parameters of a chat, and which of them somebody chose.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "api/model_defaults.h"
#include "base/json.h"
#include "sparrow/sampling_params.h"

namespace sparrow::cli {

// Ollama's names for our parameters: num_predict, repeat_last_n, num_ctx. Others stay as they are.
std::string_view parameter_name(std::string_view name);

class ChatParams {
 public:
  explicit ChatParams(SamplingParams model_params) : params_(std::move(model_params)) {}

  // Throws Error{invalid_argument} and leaves all as it was.
  void set(std::string_view name, std::span<const std::string> values);
  const SamplingParams& sampling() const { return params_; }

  // Names that set() was called with, in that order, each once.
  const std::vector<std::string>& chosen() const { return chosen_; }
  // Their values, for a manifest.
  Json chosen_json() const;

 private:
  SamplingParams params_;
  std::vector<std::string> chosen_;
};

}  // namespace sparrow::cli
