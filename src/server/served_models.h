// The models that a server answers for: those of the store and those it was started with, loaded
// when they are asked for.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sparrow/model_pool.h"
#include "store/store.h"

namespace sparrow {

struct ServedModelsOptions {
  std::string store_root;           // empty: Store::default_root()
  std::vector<std::string> models;  // paths and names to be served; the first is the default one
  int64_t max_loaded = 0;           // 0: as many as memory holds
  int64_t memory_bytes = 0;         // for all of them; 0: what the machine has
  KeepAlive keep_alive = std::chrono::minutes(5);
  EngineOptions engine;
};

// Thread-safe.
class ServedModels {
 public:
  // Throws Error{not_found|invalid_argument} for a model that is not here.
  explicit ServedModels(const ServedModelsOptions& options);

  // What a request's `model` means. Empty: the first that the server was started with. Throws
  // Error{not_found}: "model 'x' not found".
  StoredModel find(const std::string& name) const;
  // The same, loaded; waits for that. `keep_alive` holds from then on.
  std::shared_ptr<Engine> acquire(const std::string& name,
                                  const std::optional<KeepAlive>& keep_alive = std::nullopt);
  // Once nobody uses it. False: it was not loaded.
  bool unload(const std::string& name);

  // The store has changed what this name means.
  void forget(const ModelName& name) { pool_.forget(name.short_text()); }

  struct Listed {
    std::string name;  // "qwen2.5-coder:1.5b"; of a file its name without .gguf
    StoredModel stored;
  };
  std::vector<Listed> list() const;  // those it was started with, then the store's
  struct Loaded {
    std::string name;
    LoadedModel model;
  };
  std::vector<Loaded> loaded() const;  // the most recently used first

  Store& store() { return store_; }
  // What an empty name means: the first that the server was started with; empty: none was.
  std::string default_name() const { return served_.empty() ? "" : served_.front().name; }
  int64_t max_sequences() const { return max_sequences_; }  // of a model at once; others wait

 private:
  struct Named {
    std::string name;
    std::string model;  // what the pool is asked for
  };
  std::optional<Named> find_served(const std::string& name) const;
  std::string pool_key(const std::string& name, const StoredModel& stored) const;
  std::string name_of(const std::string& key) const;

  mutable Store store_;
  std::vector<Named> served_;
  const int64_t max_sequences_;
  ModelPool pool_;
};

}  // namespace sparrow
