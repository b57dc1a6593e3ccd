// Whether the engines go on: one that has work but takes no steps hangs.
#pragma once

#include <chrono>
#include <map>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "sparrow/model_pool.h"

namespace sparrow {

// Thread-safe. It knows only what it is shown: an engine hangs if it was busy whenever it was
// looked at for kPatience, and its steps did not move.
class Heartbeat {
 public:
  using Time = std::chrono::steady_clock::time_point;
  // A step reads at most EngineOptions::prefill_chunk tokens; this is longer than any such step.
  static constexpr std::chrono::seconds kPatience{15};

  // The names of those that hang.
  std::vector<std::string> look(std::span<const LoadedModel> models, Time now);

 private:
  struct Beat {
    int64_t step_count = 0;
    Time since;  // busy, with that many steps
  };
  std::mutex mutex_;
  std::map<std::string, Beat> beats_;
};

}  // namespace sparrow
