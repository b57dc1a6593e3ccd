#include "server/served_models.h"

#include <algorithm>
#include <filesystem>

#include "api/model_pool_access.h"
#include "api/model_source.h"
#include "base/error.h"
#include "store/catalog.h"

namespace sparrow {
namespace {

bool is_path(std::string_view model) { return model.ends_with(".gguf"); }

// No client may open files of this machine, nor learn which there are.
bool looks_like_path(std::string_view name) {
  return name.starts_with('/') || name.starts_with('.') || name.starts_with('~') ||
         to_lower_ascii(name).ends_with(".gguf");
}

std::string file_title(const std::string& path) {
  return std::filesystem::path(path).stem().string();
}

ModelPoolOptions pool_options(const ServedModelsOptions& options) {
  ModelPoolOptions pool;
  pool.memory_bytes = options.memory_bytes;
  pool.max_models = options.max_loaded;
  pool.keep_alive = options.keep_alive;
  pool.engine = options.engine;
  pool.engine.may_pull = false;
  return pool;
}

}  // namespace

ServedModels::ServedModels(const ServedModelsOptions& options)
    : store_(options.store_root.empty() ? Store::default_root() : options.store_root),
      max_sequences_(options.engine.max_sequences),
      pool_(pool_options(options)) {
  for (const std::string& model : options.models) {
    const StoredModel stored = find_model(store_, model);
    if (is_path(model)) {
      served_.push_back({file_title(model), model});
    } else {
      served_.push_back({stored.name.short_text(), stored.name.short_text()});
    }
  }
}

std::optional<ServedModels::Named> ServedModels::find_served(const std::string& name) const {
  if (name.empty() && !served_.empty()) return served_.front();
  const auto matches = [&](const Named& named) {
    const std::string ours = to_lower_ascii(named.name);
    const std::string theirs = to_lower_ascii(name);
    return theirs == ours || theirs == ours + ":latest";
  };
  const auto found = std::ranges::find_if(served_, matches);
  if (found == served_.end()) return std::nullopt;
  return *found;
}

StoredModel ServedModels::find(const std::string& name) const {
  if (name.empty() && served_.empty()) fail(ErrorCode::invalid_argument, "model is required");
  if (const std::optional<Named> named = find_served(name)) return find_model(store_, named->model);
  if (looks_like_path(name)) fail(ErrorCode::not_found, "model '{}' not found", name);
  std::optional<StoredModel> stored;
  try {
    stored = resolve_model(store_, name);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::not_found) throw;
  }
  if (!stored) fail(ErrorCode::not_found, "model '{}' not found", name);
  return *stored;
}

std::string ServedModels::pool_key(const std::string& name, const StoredModel& stored) const {
  const std::optional<Named> named = find_served(name);
  return named ? named->model : stored.name.short_text();
}

std::string ServedModels::name_of(const std::string& key) const {
  const auto found = std::ranges::find(served_, key, &Named::model);
  return found == served_.end() ? key : found->name;
}

std::shared_ptr<Engine> ServedModels::acquire(const std::string& name,
                                              const std::optional<KeepAlive>& keep_alive) {
  const StoredModel stored = find(name);
  return ModelPoolAccess::acquire(pool_, pool_key(name, stored), stored,
                                  {.keep_alive = keep_alive});
}

bool ServedModels::unload(const std::string& name) {
  return pool_.unload(pool_key(name, find(name)));
}

std::vector<ServedModels::Listed> ServedModels::list() const {
  std::vector<Listed> models;
  for (const Named& named : served_)
    models.push_back({named.name, find_model(store_, named.model)});
  for (StoredModel& stored : store_.list()) {
    std::string name = stored.name.short_text();
    const auto is_listed = [&](const Listed& other) { return other.name == name; };
    if (std::ranges::none_of(models, is_listed)) models.push_back({name, std::move(stored)});
  }
  return models;
}

std::vector<ServedModels::Loaded> ServedModels::loaded() const {
  std::vector<Loaded> models;
  for (LoadedModel& model : pool_.list()) {
    std::string name = name_of(model.name);
    models.push_back({std::move(name), std::move(model)});
  }
  return models;
}

}  // namespace sparrow
