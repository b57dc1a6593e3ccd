// The hand-off from callers' threads to the engine's: sequences that are to run, and what else is
// to be done between two steps.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
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

  void put_call(std::function<void()> call);
  std::vector<std::function<void()>> take_calls();

  int64_t size() const;  // sequences

  // Sleeps until there is something to take; false once close() was called.
  bool wait();
  void close();
  void reopen();
  bool is_closed() const;

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::unique_ptr<Sequence>> sequences_;
  std::vector<std::function<void()>> calls_;
  bool is_closed_ = false;
};

}  // namespace sparrow
