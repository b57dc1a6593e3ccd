#include "base/thread_team.h"

#include <chrono>

#include "base/error.h"

namespace sparrow {
namespace {

constexpr uint32_t kOpen = 0x8000;
constexpr uint32_t kInside = 0x7fff;
constexpr uint32_t kLoopStep = 0x10000;
// Longer than the gap between two operations of a decode step, shorter than anyone notices.
constexpr std::chrono::microseconds kSpinTime{50};

void pause_briefly() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

// Waits until `is_ready(state)`; spins first, then sleeps until the state changes.
template <typename Ready>
uint32_t wait_until(const std::atomic<uint32_t>& state, const Ready& is_ready) {
  uint32_t value = state.load(std::memory_order_acquire);
  if (is_ready(value)) return value;
  const auto deadline = std::chrono::steady_clock::now() + kSpinTime;
  do {
    for (int i = 0; i < 64; ++i) {
      value = state.load(std::memory_order_acquire);
      if (is_ready(value)) return value;
      pause_briefly();
    }
  } while (std::chrono::steady_clock::now() < deadline);
  while (!is_ready(value)) {
    state.wait(value, std::memory_order_acquire);
    value = state.load(std::memory_order_acquire);
  }
  return value;
}

}  // namespace

ThreadTeam::ThreadTeam(int member_count) {
  SPARROW_CHECK(member_count >= 1 && member_count <= 1024);
  for (int i = 1; i < member_count; ++i) threads_.emplace_back([this] { work(); });
}

ThreadTeam::~ThreadTeam() {
  is_stopping_.store(true, std::memory_order_relaxed);
  state_.fetch_add(kLoopStep, std::memory_order_release);
  state_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void ThreadTeam::run_pieces(const Loop& loop) {
  while (true) {
    const int64_t begin = next_.fetch_add(loop.grain, std::memory_order_relaxed);
    if (begin >= loop.count) return;
    const int64_t end = begin + loop.grain < loop.count ? begin + loop.grain : loop.count;
    loop.call(loop.body, begin, end);
  }
}

// A worker that wakes too late finds the loop closed and is not waited for.
void ThreadTeam::run(const Loop& loop) {
  SPARROW_CHECK(loop.grain >= 1);
  if (loop.count <= 0) return;
  if (threads_.empty() || loop.count <= loop.grain) {
    for (int64_t begin = 0; begin < loop.count; begin += loop.grain) {
      const int64_t end = begin + loop.grain < loop.count ? begin + loop.grain : loop.count;
      loop.call(loop.body, begin, end);
    }
    return;
  }
  const std::lock_guard<std::mutex> lock(one_loop_);
  loop_ = loop;
  next_.store(0, std::memory_order_relaxed);
  const uint32_t number = (state_.load(std::memory_order_relaxed) & ~(kOpen | kInside)) + kLoopStep;
  state_.store(number | kOpen, std::memory_order_release);
  state_.notify_all();
  run_pieces(loop);
  state_.fetch_and(~kOpen, std::memory_order_acq_rel);
  wait_until(state_, [](uint32_t state) { return (state & kInside) == 0; });
}

void ThreadTeam::work() {
  uint32_t last_loop = 0;
  while (true) {
    uint32_t state = wait_until(
        state_, [&](uint32_t value) { return (value & ~(kOpen | kInside)) != last_loop; });
    if (is_stopping_.load(std::memory_order_relaxed)) return;
    last_loop = state & ~(kOpen | kInside);
    bool has_joined = false;
    while ((state & kOpen) != 0 && (state & ~(kOpen | kInside)) == last_loop && !has_joined) {
      has_joined = state_.compare_exchange_weak(state, state + 1, std::memory_order_acq_rel);
    }
    if (!has_joined) continue;
    run_pieces(loop_);
    const uint32_t before = state_.fetch_sub(1, std::memory_order_acq_rel);
    if ((before & kInside) == 1 && (before & kOpen) == 0) state_.notify_all();
  }
}

}  // namespace sparrow
