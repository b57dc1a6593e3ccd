// What the rest of the program may do with a ModelPool beside its public API.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "api/opened_model.h"
#include "sparrow/model_pool.h"
#include "store/store.h"

namespace sparrow {

struct ModelPoolHooks {
  std::function<std::chrono::steady_clock::time_point()> now = std::chrono::steady_clock::now;
  std::function<std::shared_ptr<Engine>(OpenedModel, const EngineOptions&, const MemoryLimits&)>
      load = load_engine;
};

struct ModelPoolAccess {
  // With another clock or loader, for tests.
  static std::unique_ptr<ModelPool> make(ModelPoolOptions options, const ModelPoolHooks& hooks);

  // ModelPool::acquire() for whoever has found the model already. `name`: for ModelPool::list(),
  // unload() and forget().
  static std::shared_ptr<Engine> acquire(ModelPool& pool, const std::string& name,
                                         const StoredModel& stored, const AcquireOptions& options);
  // The same for whoever has it open.
  static std::shared_ptr<Engine> acquire(ModelPool& pool, const std::string& name,
                                         const OpenedModel& opened, const AcquireOptions& options);
};

}  // namespace sparrow
