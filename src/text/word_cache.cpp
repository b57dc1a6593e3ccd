#include "text/word_cache.h"

#include <algorithm>
#include <bit>

namespace sparrow {
namespace {

constexpr size_t kLeastTextBytes = 1024;
constexpr size_t kMostEntries = size_t{1} << 15;  // 2 MiB

}  // namespace

WordCache::WordCache(size_t text_size_bytes) {
  if (text_size_bytes < kLeastTextBytes) return;
  const size_t count = std::min(std::bit_ceil(text_size_bytes / 16), kMostEntries);
  entries_.resize(count);
  shift_ = static_cast<uint32_t>(64 - std::countr_zero(count));
}

void WordCache::keep(std::string_view word, std::span<const TokenId> ids) {
  if (entries_.empty() || word.size() > kMaxWordBytes || ids.size() > kMaxTokens) return;
  const Key key = key_of(word);
  Entry& entry = entries_[slot_of(key, word.size())];
  entry.key = key;
  entry.size_bytes = static_cast<uint32_t>(word.size());
  entry.count = static_cast<uint32_t>(ids.size());
  std::copy(ids.begin(), ids.end(), entry.ids.begin());
}

}  // namespace sparrow
