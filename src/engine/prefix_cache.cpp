#include "engine/prefix_cache.h"

#include <algorithm>
#include <utility>

namespace sparrow {
namespace {

int64_t common_prefix(std::span<const TokenId> a, std::span<const TokenId> b) {
  return std::mismatch(a.begin(), a.end(), b.begin(), b.end()).first - a.begin();
}

}  // namespace

PrefixCache::Prefix PrefixCache::take(std::span<const TokenId> prompt) {
  auto best = entries_.end();
  int64_t longest = 0;
  for (auto it = entries_.begin(); it != entries_.end(); ++it) {
    const int64_t shared = common_prefix(prompt, it->tokens);
    if (shared > longest && 2 * shared >= static_cast<int64_t>(it->tokens.size())) {
      longest = shared;
      best = it;
    }
  }
  if (best == entries_.end()) return {};
  Prefix prefix = {std::move(best->blocks), longest};
  entries_.erase(best);
  return prefix;
}

void PrefixCache::keep(std::vector<TokenId> tokens, std::vector<BlockId> blocks) {
  entries_.push_front({std::move(tokens), std::move(blocks)});
}

void PrefixCache::make_room(int64_t free_count) {
  while (pool_.free_count() < free_count && !entries_.empty()) {
    pool_.release(entries_.back().blocks);
    entries_.pop_back();
  }
}

int64_t PrefixCache::block_count() const {
  int64_t count = 0;
  for (const Entry& entry : entries_) count += static_cast<int64_t>(entry.blocks.size());
  return count;
}

}  // namespace sparrow
