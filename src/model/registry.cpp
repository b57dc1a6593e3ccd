#include "model/registry.h"

#include "base/error.h"
#include "gguf/gguf_file.h"
#include "gguf/named_errors.h"
#include "model/rope_scaling.h"
#include "model/weight_loader.h"

namespace sparrow {
namespace {

constexpr Architecture kArchitectures[] = {
    {"llama", load_llama},
    {"qwen2", load_qwen2},
    {"qwen3", load_qwen3},
    {"qwen3moe", load_qwen3moe},
};

}  // namespace

const Architecture* find_architecture(std::string_view name) {
  for (const Architecture& architecture : kArchitectures) {
    if (architecture.name == name) return &architecture;
  }
  return nullptr;
}

std::string architecture_names() {
  std::string names;
  for (const Architecture& architecture : kArchitectures) {
    if (!names.empty()) names += ", ";
    names += architecture.name;
  }
  return names;
}

int64_t kv_bytes_per_token(const ModelConfig& config, KvType type) {
  return KvShape{config.layer_count, config.kv_head_count, config.head_size}.bytes_per_token(type);
}

std::unique_ptr<Model> load_model(std::shared_ptr<const GgufFile> file, Backend& backend,
                                  const ModelOptions& options) {
  ModelConfig config = read_model_config(*file);
  if (options.rope_scaling) config = with_rope_scaling(std::move(config), *options.rope_scaling);
  WeightLoader weights(file, backend, config, options.on_progress);
  return with_path_in_errors(file->path(), [&] {
    std::unique_ptr<Model> model = find_architecture(config.architecture)->load(config, weights);
    weights.finish();
    return model;
  });
}

}  // namespace sparrow
