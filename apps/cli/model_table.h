// The table of models that `sparrow list` and `/list` show.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "store/store.h"

namespace sparrow::cli {

struct ListedModel {
  std::string name;
  std::string digest;
  uint64_t size_bytes = 0;
  int64_t modified_unix_s = 0;
};

std::vector<ListedModel> models_of(const Store& store);

// As `ollama list` has it: NAME, ID, SIZE, MODIFIED. Only names that start with `prefix`, in any
// case.
std::string model_table(std::vector<ListedModel> models, std::string_view prefix);

}  // namespace sparrow::cli
