// The sampling parameters of a chat, and which of them somebody chose.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "gguf/metadata.h"
#include "sparrow/sampling_params.h"
#include "store/catalog.h"
#include "store/store.h"

namespace sparrow::cli {

// The catalog's entry for a model: by its blob's digest, else by the file's general.name. Null if
// it has none.
const CatalogEntry* find_catalog_entry(const StoredModel& model, const Metadata& metadata);

// A model's own parameters: default_sampling() of the file and the catalog's entry, and over it
// what somebody saved with the model. Throws Error{invalid_argument} for saved values that are
// wrong.
SamplingParams model_params(const StoredModel& model, const Metadata& metadata);

// The longest context that was saved with the model, if one was.
std::optional<int64_t> saved_context(const StoredModel& model);

// Ollama's names for our parameters: num_predict, repeat_last_n, num_ctx. Others stay as they are.
std::string_view parameter_name(std::string_view name);

// The parameter of a context's length, which is no sampling field.
inline constexpr std::string_view kContextParameter = "context";

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
