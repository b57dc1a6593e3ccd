// A fixed number of threads for handlers that block, and a bounded queue in front of them.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace sparrow::http {

// Thread-safe.
class WorkerPool {
 public:
  // Throws Error{out_of_memory} if the system gives fewer threads.
  WorkerPool(int thread_count, int64_t queue_limit);
  ~WorkerPool();  // stop()

  // False if the queue is full or the pool has stopped. `task` must not throw.
  bool submit(std::function<void()> task);
  // Waits for what runs; what is queued is dropped.
  void stop();
  int64_t queued_count() const;

 private:
  void run();

  const int64_t queue_limit_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> tasks_;
  bool is_stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace sparrow::http
