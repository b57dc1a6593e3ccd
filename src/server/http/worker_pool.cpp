#include "server/http/worker_pool.h"

#include <system_error>

#include "base/error.h"

namespace sparrow::http {

WorkerPool::WorkerPool(int thread_count, int64_t queue_limit) : queue_limit_(queue_limit) {
  try {
    for (int i = 0; i < thread_count; ++i) threads_.emplace_back([this] { run(); });
  } catch (const std::system_error& error) {
    stop();  // those that did start
    fail(ErrorCode::out_of_memory, "cannot start {} threads: {}", thread_count, error.what());
  }
}

WorkerPool::~WorkerPool() { stop(); }

bool WorkerPool::submit(std::function<void()> task) {
  {
    const std::lock_guard lock(mutex_);
    if (is_stopping_ || static_cast<int64_t>(tasks_.size()) >= queue_limit_) return false;
    tasks_.push_back(std::move(task));
  }
  changed_.notify_one();
  return true;
}

void WorkerPool::stop() {
  std::deque<std::function<void()>> dropped;
  {
    const std::lock_guard lock(mutex_);
    is_stopping_ = true;
    dropped.swap(tasks_);
  }
  changed_.notify_all();
  for (std::thread& thread : threads_) {
    if (thread.joinable()) thread.join();
  }
}

int64_t WorkerPool::queued_count() const {
  const std::lock_guard lock(mutex_);
  return static_cast<int64_t>(tasks_.size());
}

void WorkerPool::run() {
  for (;;) {
    std::function<void()> task;
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return is_stopping_ || !tasks_.empty(); });
      if (is_stopping_) return;
      task = std::move(tasks_.front());
      tasks_.pop_front();
    }
    task();
  }
}

}  // namespace sparrow::http
