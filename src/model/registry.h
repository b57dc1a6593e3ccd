// The table of architectures: a name and the function that loads it.
#pragma once

#include <memory>
#include <string_view>

#include "model/model.h"

namespace sparrow {

class WeightLoader;

struct Architecture {
  std::string_view name;  // GGUF's general.architecture
  std::unique_ptr<Model> (*load)(const ModelConfig& config, WeightLoader& weights);
};

// Null if no row has the name.
const Architecture* find_architecture(std::string_view name);

std::unique_ptr<Model> load_llama(const ModelConfig& config, WeightLoader& weights);
std::unique_ptr<Model> load_qwen2(const ModelConfig& config, WeightLoader& weights);
std::unique_ptr<Model> load_qwen3(const ModelConfig& config, WeightLoader& weights);
std::unique_ptr<Model> load_qwen3moe(const ModelConfig& config, WeightLoader& weights);

}  // namespace sparrow
