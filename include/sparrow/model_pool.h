// The models that are loaded, by path or name, within one memory budget: whoever asks for the same
// one shares it; what nobody has used for its time is unloaded, and earlier when another needs the
// room.
//
//   sparrow::ModelPool pool({.memory_bytes = int64_t{8} << 30});
//   auto engine = pool.acquire("qwen2.5-coder:1.5b");
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sparrow/engine.h"
#include "sparrow/version.h"

namespace sparrow {

// Of a model, from its last use on; nothing: for good.
using KeepAlive = std::optional<std::chrono::milliseconds>;

struct LoadedModel {
  std::string name;  // as it was first asked for
  EngineInfo info;
  EngineStats stats;
  int64_t bytes = 0;     // weights, cache, adapters, and what a step works in
  bool is_used = false;  // somebody holds it
  KeepAlive time_left;   // until it is unloaded, if nobody asks for it
};

struct ModelPoolOptions {
  int64_t memory_bytes = 0;  // of all models together; 0: what the machine has
  int64_t max_models = 0;    // loaded at once; 0: as many as memory holds
  KeepAlive keep_alive = std::chrono::minutes(5);
  EngineOptions engine;  // of a model that is acquired without its own
};

struct AcquireOptions {
  // From now on for this model; nothing: as it is, at first the pool's.
  std::optional<KeepAlive> keep_alive;
  // Nothing: the pool's. The same model with other options is loaded beside it.
  std::optional<EngineOptions> engine;
};

// Thread-safe. Models that somebody holds outlive the pool.
class SPARROW_API ModelPool {
 public:
  explicit ModelPool(ModelPoolOptions options = {});
  ~ModelPool();

  // The model, as Engine::load() takes it, loaded if it is not; two that ask at once wait for one
  // load, and models are loaded one after another, each planned within what the others leave. It
  // counts as used while the pointer lives. Idle models are unloaded, the longest unused first,
  // where memory is short. Throws what Engine::load() throws; Error{out_of_memory} comes before
  // memory is taken, and names who holds it.
  std::shared_ptr<Engine> acquire(const std::string& model, const AcquireOptions& options = {});

  // As soon as nobody holds it, with whatever options. False: it was not loaded.
  bool unload(const std::string& model);

  // The name means something else by now: whoever asks from here on gets it loaded anew, and what
  // is loaded goes once nobody holds it.
  void forget(const std::string& model);

  // The most recently used first.
  std::vector<LoadedModel> list() const;

  // Unloads what has had its time. The pool's own thread calls it, some time after it is due.
  void unload_expired();

 private:
  class Impl;
  friend struct ModelPoolAccess;
  explicit ModelPool(std::shared_ptr<Impl> impl);
  std::shared_ptr<Impl> impl_;
};

}  // namespace sparrow
