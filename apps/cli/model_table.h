// The table of models that `sparrow list` and `/list` show.
#pragma once

#include <string>
#include <string_view>

#include "store/store.h"

namespace sparrow::cli {

// As `ollama list` has it: NAME, ID, SIZE, MODIFIED. Only names that start with `prefix`, in any
// case.
std::string model_table(const Store& store, std::string_view prefix);

}  // namespace sparrow::cli
