#pragma once

#include <condition_variable>
#include <cstdint>
#include <limits>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "sparrow/engine.h"

namespace sparrow::test_support {

// An engine that takes a step each time it is told to, and else stands still where the tokens of a
// step have just been handed out: on its own thread, in the callback of a request that runs beside
// those of the test.
class SteppedEngine {
 public:
  explicit SteppedEngine(std::shared_ptr<Engine> engine) : engine_(std::move(engine)) {
    // One may come to its end before it is told to hold.
    do hold(holder_ = submit());
    while (!holds());
  }
  ~SteppedEngine() {
    {
      const std::scoped_lock lock(mutex_);
      allowed_ = std::numeric_limits<int64_t>::max();
      changed_.notify_all();
    }
    for (const auto& stream : {holder_, first_}) {
      if (stream == nullptr) continue;
      stream->cancel();
      while (stream->next_within(1) || !stream->is_finished()) continue;
    }
  }

  // Runs what was submitted meanwhile until the tokens of its first step are out. Tokens go out in
  // the order in which requests came, so another request, the last one, has to hold from here on.
  void begin() {
    const auto last = submit();
    hold(last);
    first_ = std::exchange(holder_, last);
    first_->cancel();
    take_step();
  }
  void take_step() {
    std::unique_lock lock(mutex_);
    const int64_t next = held_ + 1;
    ++allowed_;
    changed_.notify_all();
    changed_.wait(lock, [&] { return held_ >= next; });
  }
  // Of other requests.
  int64_t waiting_count() const { return engine_->stats().waiting_count; }

 private:
  static constexpr int64_t kMaxTokens = 400;

  std::shared_ptr<OutputStream> submit() {
    return engine_->submit({.prompt = engine_->encode("a", true),
                            .params = {.ignore_eos = true, .max_tokens = kMaxTokens}});
  }
  void hold(const std::shared_ptr<OutputStream>& stream) {
    // What has come already is told on this thread, which must go on.
    stream->on_readable([this, weak = std::weak_ptr(stream), here = std::this_thread::get_id()] {
      const std::shared_ptr<OutputStream> held = weak.lock();
      if (held == nullptr) return;
      const std::optional<TextDelta> delta = held->next_within(0);
      if (!delta) return;
      std::unique_lock lock(mutex_);
      if (delta->finish_reason != FinishReason::none) {
        has_ended_ = true;
        changed_.notify_all();
        return;
      }
      const bool is_late = held_ == 0 && held->stats().output_tokens > kMaxTokens / 2;
      if (is_late || std::this_thread::get_id() == here) return;
      ++held_;
      changed_.notify_all();
      changed_.wait(lock, [&] { return allowed_ >= held_; });
    });
  }
  bool holds() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return held_ > 0 || has_ended_; });
    has_ended_ = false;
    return held_ > 0;
  }

  const std::shared_ptr<Engine> engine_;
  std::shared_ptr<OutputStream> holder_;
  std::shared_ptr<OutputStream> first_;
  std::mutex mutex_;
  std::condition_variable changed_;
  int64_t held_ = 0;     // how often the engine has stood still
  int64_t allowed_ = 0;  // how often it may have gone on
  bool has_ended_ = false;
};

}  // namespace sparrow::test_support
