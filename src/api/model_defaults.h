// What a model is best used with: the file's word, the catalog's, and what somebody saved with it.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "gguf/metadata.h"
#include "sparrow/generation.h"
#include "sparrow/sampling_params.h"
#include "store/catalog.h"
#include "store/store.h"

namespace sparrow {

// The parameter of a context's length, which is no sampling field.
inline constexpr std::string_view kContextParameter = "context";

// The catalog's entry for a model: by its blob's digest, else by the file's general.name. Null if
// it has none.
const CatalogEntry* find_catalog_entry(const StoredModel& model, const Metadata& metadata);

// A model's own parameters: default_sampling() of the file and the catalog's entry, and over it
// what somebody saved with the model. Throws Error{invalid_argument} for saved values that are
// wrong.
// `general` is for what none of them says.
SamplingParams model_params(const StoredModel& model, const Metadata& metadata,
                            const SamplingParams& general = {});

// As the file says it (ARCHITECTURE.pooling_type, in llama.cpp's numbers); `otherwise` where it
// does not.
Pooling model_pooling(const Metadata& metadata, Pooling otherwise);

// The longest context that was saved with the model, if one was.
std::optional<int64_t> saved_context(const StoredModel& model);

}  // namespace sparrow
