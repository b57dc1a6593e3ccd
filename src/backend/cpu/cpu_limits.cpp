// What this machine can do at best, measured: the bench states speeds as shares of it.
#include <algorithm>
#include <chrono>
#include <cstring>

#include "backend/cpu/cpu_backend.h"

namespace sparrow {
namespace {

using Clock = std::chrono::steady_clock;

// The best of some short runs: others on the machine only ever take away.
template <typename Run>
double best_rate(const Run& run) {
  constexpr int kRuns = 8;
  double best = 0;
  for (int i = 0; i < kRuns; ++i) {
    const Clock::time_point start = Clock::now();
    const double amount = run();
    best = std::max(best, amount / std::chrono::duration<double>(Clock::now() - start).count());
  }
  return best;
}

}  // namespace

MachineLimits CpuBackend::measure_limits() {
  const int64_t members = team_.member_count();
  MachineLimits limits;
  limits.instruction_set = kernels_.isa;
  limits.thread_count = static_cast<int>(members);
  limits.products_per_second = best_rate([&] {
    constexpr int64_t kRounds = 2'000'000;
    std::atomic<int64_t> products = 0;
    team_.for_each(members, 1, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) products += kernels_.probe_products(kRounds);
    });
    return static_cast<double>(products.load());
  });

  // Far larger than any cache.
  constexpr int64_t kBytes = int64_t{512} << 20;
  constexpr int64_t kPiece = int64_t{1} << 20;
  const Memory memory = Memory::huge(kBytes, "the probe of the memory's speed");
  std::memset(memory.data(), 1, static_cast<size_t>(kBytes));
  limits.read_bytes_per_second = best_rate([&] {
    team_.for_each(kBytes / kPiece, 4, [&](int64_t begin, int64_t end) {
      kernels_.probe_read(memory.data() + begin * kPiece, (end - begin) * kPiece);
    });
    return static_cast<double>(kBytes);
  });
  return limits;
}

}  // namespace sparrow
