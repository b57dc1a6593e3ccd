#include "sparrow/output_stream.h"

#include <chrono>
#include <iterator>
#include <utility>

namespace sparrow {
namespace {

void move_to_end(std::vector<OutputToken>& all, std::vector<OutputToken>& more) {
  all.insert(all.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
}

}  // namespace

void OutputStream::push(TextDelta delta) {
  std::function<void()> notify;
  std::unique_lock lock(mutex_);
  if (is_finished_) return;
  pending_.text += delta.text;
  move_to_end(pending_.tokens, delta.tokens);
  move_to_end(pending_.prompt_tokens, delta.prompt_tokens);
  if (delta.finish_reason != FinishReason::none) {
    pending_.finish_reason = delta.finish_reason;
    pending_.embedding = std::move(delta.embedding);
    pending_.receipt = std::move(delta.receipt);
    pending_.error = std::move(delta.error);
    pending_.error_code = delta.error_code;
    pending_.stop_string = std::move(delta.stop_string);
    pending_.stop_token = delta.stop_token;
    is_finished_ = true;
  }
  if (!has_pending_) notify = on_readable_;
  has_pending_ = true;
  changed_.notify_all();
  lock.unlock();
  if (notify) notify();
}

void OutputStream::on_readable(std::function<void()> callback) {
  std::function<void()> before;  // goes without the mutex: what it owns may be the last of much
  {
    const std::scoped_lock lock(mutex_);
    if (is_drained_) return;
    before = std::exchange(on_readable_, callback);
    if (!has_pending_) return;
  }
  if (callback) callback();
}

void OutputStream::set_stats(const RequestStats& stats) {
  const std::scoped_lock lock(mutex_);
  stats_ = stats;
}

std::optional<TextDelta> OutputStream::next() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return has_pending_ || is_drained_; });
  return take(lock);
}

std::optional<TextDelta> OutputStream::next_within(int64_t timeout_ms) {
  std::unique_lock lock(mutex_);
  // A wait for no time is a visit to the system nevertheless.
  if (timeout_ms > 0) {
    changed_.wait_for(lock, std::chrono::milliseconds(timeout_ms),
                      [&] { return has_pending_ || is_drained_; });
  }
  return take(lock);
}

std::optional<TextDelta> OutputStream::take(std::unique_lock<std::mutex>& lock) {
  if (!has_pending_) return std::nullopt;
  has_pending_ = false;
  is_drained_ = is_finished_;
  TextDelta delta = std::exchange(pending_, {});
  std::function<void()> done;
  if (is_drained_) done.swap(on_readable_);
  lock.unlock();
  return delta;
}

bool OutputStream::is_finished() const {
  const std::scoped_lock lock(mutex_);
  return is_finished_;
}

RequestStats OutputStream::stats() const {
  const std::scoped_lock lock(mutex_);
  return stats_;
}

}  // namespace sparrow
