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
  int64_t stall_timeout_ms = 30000;  // a transfer that brings nothing for so long is taken up anew
  int64_t retry_delay_ms = 1000;     // doubled at each retry that brought nothing
  int max_retries = 5;               // in a row without progress; then the next source has its turn
  bool accept_new_digest = false;  // forget the pinned digest of an entry the catalog has none for
};

// A no-op when the model is there already. Throws Error{not_found|network|io|cancelled}; the
// message lists what each source answered. A download that breaks off leaves a partial file, which
// is no model, and which the next pull goes on from.
// `name` is one of the catalog's, or hf.co/user/repo:quant for any GGUF file of Hugging Face.
StoredModel pull(Store& store, std::string_view name, const PullOptions& options = {});

// The same for an entry that need not stand in the catalog.
StoredModel pull(Store& store, const CatalogEntry& entry, const PullOptions& options = {});

// Asks every source at once whether it has the model; true as soon as one says yes, false when all
// said no or `timeout_ms` has passed. Downloads nothing.
bool any_source_answers(const CatalogEntry& entry, int64_t timeout_ms = 5000);

}  // namespace sparrow
