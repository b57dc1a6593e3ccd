// Gets a model of the catalog into the store: sources in order, resumable, verified before it
// appears.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>

#include "store/catalog.h"
#include "store/store.h"

namespace sparrow {

struct PullProgress {
  std::string status;  // "pulling from huggingface.co", "verifying sha256 digest", "success"
  uint64_t completed_bytes = 0;
  uint64_t total_bytes = 0;  // 0: unknown
};

struct PullOptions {
  std::function<void(const PullProgress&)>
      on_progress;                            // may be empty; called from the pulling thread
  const std::atomic<bool>* cancel = nullptr;  // checked often; Error{cancelled} once it is true
  int64_t connect_timeout_ms = 5000;          // a source that does not answer by then is skipped
};

// Throws Error{not_found|network|io|cancelled}; the message lists what each source answered.
StoredModel pull(Store& store, std::string_view name, const PullOptions& options = {});

}  // namespace sparrow
