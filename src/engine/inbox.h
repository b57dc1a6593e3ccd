// The hand-off from callers' threads to the engine's: sequences that are to run.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "engine/sequence.h"

namespace sparrow {

// Thread-safe.
class Inbox {
 public:
  void put(std::unique_ptr<Sequence> sequence);
  // All that has come since the last call, in order.
  std::vector<std::unique_ptr<Sequence>> take();

  int64_t size() const;

  // Sleeps until there is something to take; false once close() was called.
  bool wait();
  void close();
  void reopen();
  bool is_closed() const;

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::unique_ptr<Sequence>> sequences_;
  bool is_closed_ = false;
};

}  // namespace sparrow
