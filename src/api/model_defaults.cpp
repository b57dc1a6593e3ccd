#include "api/model_defaults.h"

#include <filesystem>

#include "base/error.h"
#include "engine/sampling_defaults.h"
#include "sampling/params_json.h"

namespace sparrow {
namespace {

// "Qwen3-4B-Instruct-2507" and "Qwen3 4B Instruct 2507" are one name.
std::string plain_name(std::string_view name) {
  std::string plain = to_lower_ascii(name);
  for (char& c : plain) {
    if (c == '-' || c == '_') c = ' ';
  }
  return plain;
}

}  // namespace

const CatalogEntry* find_catalog_entry(const StoredModel& model, const Metadata& metadata) {
  const std::string file_name = std::filesystem::path(model.model_path).filename();
  const std::optional<std::string_view> name = metadata.find_string("general.name");
  for (const CatalogEntry& entry : catalog()) {
    if (!entry.sha256.empty() && file_name == "sha256-" + entry.sha256) return &entry;
  }
  for (const CatalogEntry& entry : catalog()) {
    if (name && plain_name(*name) == plain_name(entry.title)) return &entry;
  }
  return nullptr;
}

SamplingParams model_params(const StoredModel& model, const Metadata& metadata,
                            const SamplingParams& general) {
  const CatalogEntry* entry = find_catalog_entry(model, metadata);
  const Json known = entry != nullptr ? entry->sampling : Json::object();
  SamplingParams params = default_sampling(metadata, known, general);
  // A pull writes the catalog's values into the manifest: those are nobody's choice.
  Json chosen = model.params;
  chosen.erase(std::string(kContextParameter));
  for (const auto& [field, value] : known.items()) {
    const auto found = chosen.find(field);
    if (found != chosen.end() && *found == value) chosen.erase(field);
  }
  set_sampling_fields(params, chosen, "parameters saved with the model");
  return params;
}

Pooling model_pooling(const Metadata& metadata, Pooling otherwise) {
  const std::string architecture(metadata.find_string("general.architecture").value_or(""));
  switch (metadata.find_uint(architecture + ".pooling_type").value_or(0)) {
    case 1:
      return Pooling::mean;
    case 2:
      return Pooling::cls;
    case 3:
      return Pooling::last;
    default:
      return otherwise;
  }
}

std::optional<int64_t> saved_context(const StoredModel& model) {
  const auto found = model.params.find(kContextParameter);
  if (found == model.params.end()) return std::nullopt;
  if (!found->is_number_integer() || found->get<int64_t>() < 1) {
    fail(ErrorCode::invalid_file, "the saved parameter context must be at least 1, got {}",
         found->dump(-1, ' ', true, Json::error_handler_t::replace));
  }
  return found->get<int64_t>();
}

}  // namespace sparrow
