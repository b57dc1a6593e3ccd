// What MODEL on a command line means, for whoever takes one: a .gguf file, a name in the
// store, a name or alias of the catalog, or "default".
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "sparrow/engine.h"
#include "store/store.h"

namespace sparrow {

// The word that lets the program choose: the catalog's large default, or its small one where no
// source of the large one answers.
inline constexpr std::string_view kDefaultModel = "default";

// Gets a model of the catalog, or of a hub, into the store.
using PullModel = std::function<StoredModel(Store& store, const std::string& name)>;

// The file to open (`model_path`) and all that its manifest adds to it: template, system, params,
// messages, licence. One that is not here yet is pulled; without `pull_model` it is
// Error{not_found} that names the command to pull it with. Throws Error{not_found} with the nearest
// names for one that nobody knows, Error{invalid_argument} for what can be no name, and what
// pull_model throws.
StoredModel find_model(Store& store, const std::string& model, const PullModel& pull_model = {});

// In the store that SPARROW_HOME names.
StoredModel find_model(const std::string& model, const PullModel& pull_model = {});

// The same, pulled with the options' progress if they allow it. Throws what find_model() throws,
// and Error{cancelled}.
StoredModel find_or_pull(const std::string& model, const EngineOptions& options);

// At most `max_count` of `known` that look like `wanted`, the nearest first. Case does not matter.
std::vector<std::string> nearest_names(std::string_view wanted,
                                       const std::vector<std::string>& known, size_t max_count);

}  // namespace sparrow
