// The models that are loaded, by path or name, within one memory budget: whoever asks for the same
// one shares it; what nobody has used for its time is unloaded, and earlier when another needs the
// room.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "sparrow/engine.h"

namespace sparrow {

struct LoadedModel {
  std::string name;  // as it was asked for
  EngineInfo info;
  EngineStats stats;
  int64_t bytes = 0;     // weights and cache
  bool is_used = false;  // somebody holds it
  // Until it is unloaded, if nobody asks for it; nothing: it stays.
  std::optional<std::chrono::milliseconds> time_left;
};

struct ModelPoolOptions {
  int64_t memory_bytes = 0;  // of all models together; 0: what the machine has
  int64_t max_models = 0;    // loaded at once; 0: as many as memory holds
  // How long a model stays after its last use; nothing: for good.
  std::optional<std::chrono::milliseconds> keep_alive = std::chrono::minutes(5);
  EngineOptions engine;
  // For tests.
  std::function<std::chrono::steady_clock::time_point()> now = std::chrono::steady_clock::now;
  std::function<std::shared_ptr<Engine>(const std::string&, const EngineOptions&)> load =
      Engine::load;
};

// Thread-safe. Models that somebody holds outlive the pool.
class ModelPool {
 public:
  explicit ModelPool(ModelPoolOptions options);
  ~ModelPool();

  // The model, loaded if it is not; two that ask at once wait for one load. It counts as used while
  // the pointer lives. `keep_alive` holds from now on for this model. Idle models are unloaded, the
  // longest unused first, where memory is short. Throws what Engine::load throws;
  // Error{out_of_memory} names who holds the memory.
  std::shared_ptr<Engine> acquire(
      const std::string& model,
      std::optional<std::optional<std::chrono::milliseconds>> keep_alive = std::nullopt);

  // As soon as nobody holds it. False: it was not loaded.
  bool unload(const std::string& model);

  // The name means something else by now: whoever asks from here on gets it loaded anew, and what
  // is loaded goes once nobody holds it.
  void forget(const std::string& model);

  // The most recently used first.
  std::vector<LoadedModel> list() const;

  // Unloads what has had its time; the pool's own thread calls it.
  void unload_expired();

 private:
  struct Entry;

  Entry* find(const std::string& model);
  bool unload_longest_unused();
  void run();

  ModelPoolOptions options_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::unique_ptr<Entry>> entries_;  // the most recently used first
  bool is_closing_ = false;
  std::thread thread_;
};

}  // namespace sparrow
