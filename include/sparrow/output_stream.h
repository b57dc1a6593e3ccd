// The one object that a caller and the engine share: text one way, a cancel flag the other.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>

#include "sparrow/generation.h"
#include "sparrow/version.h"

namespace sparrow {

// Thread-safe. A slow reader gets fewer, larger pieces; the engine never waits for it.
class SPARROW_API OutputStream {
 public:
  // Engine side. After a delta with a finish_reason nothing more is taken.
  void push(TextDelta delta);
  void set_stats(const RequestStats& stats);
  bool is_cancelled() const { return is_cancelled_.load(std::memory_order_relaxed); }

  // Caller side. Waits for the next delta; the last one has a finish_reason other than none. After
  // that: nothing.
  std::optional<TextDelta> next();
  // Waits at most `timeout_ms`; nothing if no delta came. Lets a terminal poll for Ctrl-C.
  std::optional<TextDelta> next_within(int64_t timeout_ms);
  // `callback` is called each time that there is something to read where there was nothing: from
  // the engine's thread, or at once from this one. It must not wait for anything. Empty: no more
  // calls will begin. It is let go once the last delta has been read.
  void on_readable(std::function<void()> callback);
  // The engine ends the request within one step, with finish_reason `cancelled`.
  void cancel() { is_cancelled_.store(true, std::memory_order_relaxed); }
  bool is_finished() const;
  RequestStats stats() const;

 private:
  std::optional<TextDelta> take(std::unique_lock<std::mutex>& lock);

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::function<void()> on_readable_;
  TextDelta pending_;
  bool has_pending_ = false;
  bool is_finished_ = false;  // the engine has pushed the last delta
  bool is_drained_ = false;   // and the caller has read it
  RequestStats stats_;
  std::atomic<bool> is_cancelled_ = false;
};

}  // namespace sparrow
