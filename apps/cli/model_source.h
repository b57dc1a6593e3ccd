// What MODEL on a command line means, for every command that takes one: a .gguf file, a name in the
// store, a name or alias of the catalog, or "default".
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "store/store.h"

namespace sparrow::cli {

// The word that lets the program choose: the catalog's large default, or its small one where no
// source of the large one answers.
inline constexpr std::string_view kDefaultModel = "default";

enum class IfMissing {
  pull,     // with its progress on stderr
  say_how,  // Error{not_found} that names the command to pull it with
};

// The file to open (`model_path`) and all that its manifest adds to it: template, system, params,
// messages, licence. Throws Error{not_found} with the nearest names for one that nobody knows,
// Error{invalid_argument} for what can be no name, and what pull() throws.
StoredModel find_model(Store& store, const std::string& model, IfMissing if_missing);

// In the store that SPARROW_HOME names.
StoredModel find_model(const std::string& model, IfMissing if_missing);

// At most `max_count` of `known` that look like `wanted`, the nearest first. Case does not matter.
std::vector<std::string> nearest_names(std::string_view wanted,
                                       const std::vector<std::string>& known, size_t max_count);

}  // namespace sparrow::cli
