#include "text/word_cache.h"

#include <bit>

namespace sparrow {

WordCache::WordCache(int64_t vocabulary_size) {
  const size_t wanted = std::bit_ceil(static_cast<size_t>(vocabulary_size) / 4 + 1);
  const size_t count = std::clamp<size_t>(wanted, 256, size_t{1} << 15);
  shift_ = 64 - std::countr_zero(count);
  entries_ = std::make_unique<Entry[]>(count);
}

void WordCache::keep(const Probe& probe, std::span<const TokenId> ids) {
  if (probe.size == 0 || ids.size() > kMaxTokens) return;
  Entry& entry = entries_[probe.place];
  constexpr uint64_t kVersion = uint64_t{1} << 16;
  uint64_t state = entry.state.load(std::memory_order_relaxed);
  const uint64_t version = state & ~(kVersion - 1);
  // An odd version is somebody who writes; then this word is not kept.
  if (version & kVersion ||
      !entry.state.compare_exchange_strong(state, version + kVersion, std::memory_order_acq_rel)) {
    return;
  }
  // Each store releases, so that who sees it also sees the odd version before it.
  for (size_t i = 0; i < probe.key.size(); ++i) {
    entry.key[i].store(probe.key[i], std::memory_order_release);
  }
  for (size_t i = 0; i < kMaxTokens / 2; ++i) {
    const auto id = [&](size_t at) -> uint64_t {
      return at < ids.size() ? static_cast<uint32_t>(ids[at]) : 0;
    };
    entry.ids[i].store(id(2 * i) | id(2 * i + 1) << 32, std::memory_order_release);
  }
  entry.state.store(version + 2 * kVersion + ids.size() * 256 + probe.size,
                    std::memory_order_release);
}

}  // namespace sparrow
