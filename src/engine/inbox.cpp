#include "engine/inbox.h"

#include <utility>

namespace sparrow {

void Inbox::put(std::unique_ptr<Sequence> sequence) {
  const std::scoped_lock lock(mutex_);
  sequences_.push_back(std::move(sequence));
  changed_.notify_all();
}

std::vector<std::unique_ptr<Sequence>> Inbox::take() {
  const std::scoped_lock lock(mutex_);
  return std::exchange(sequences_, {});
}

void Inbox::put_call(std::function<void()> call) {
  const std::scoped_lock lock(mutex_);
  calls_.push_back(std::move(call));
  changed_.notify_all();
}

std::vector<std::function<void()>> Inbox::take_calls() {
  const std::scoped_lock lock(mutex_);
  return std::exchange(calls_, {});
}

int64_t Inbox::size() const {
  const std::scoped_lock lock(mutex_);
  return static_cast<int64_t>(sequences_.size());
}

bool Inbox::wait() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return is_closed_ || !sequences_.empty() || !calls_.empty(); });
  return !is_closed_;
}

void Inbox::close() {
  const std::scoped_lock lock(mutex_);
  is_closed_ = true;
  changed_.notify_all();
}

void Inbox::reopen() {
  const std::scoped_lock lock(mutex_);
  is_closed_ = false;
}

bool Inbox::is_closed() const {
  const std::scoped_lock lock(mutex_);
  return is_closed_;
}

}  // namespace sparrow
