#include "engine/prefix_cache.h"

#include <algorithm>
#include <cstring>

#include "base/error.h"

namespace sparrow {
namespace {

int64_t common_prefix(std::span<const TokenId> a, std::span<const TokenId> b) {
  return std::mismatch(a.begin(), a.end(), b.begin(), b.end()).first - a.begin();
}

}  // namespace

size_t PrefixCache::KeyHash::operator()(const PrefixKey& key) const {
  size_t value;
  std::memcpy(&value, key.data(), sizeof value);
  return value;
}

PrefixCache::PrefixCache(BlockPool& pool)
    : pool_(pool),
      entries_(static_cast<size_t>(pool.block_count())),
      tokens_(static_cast<size_t>(pool.block_count() * pool.block_tokens())) {}

PrefixKey PrefixCache::root_key(std::string_view fingerprint) {
  hash_.update(fingerprint);
  return hash_.finish();
}

PrefixKey PrefixCache::next_key(const PrefixKey& before, std::span<const TokenId> tokens) {
  hash_.update(std::span<const std::byte>(before));
  hash_.update(std::as_bytes(tokens));
  return hash_.finish();
}

std::span<const TokenId> PrefixCache::tokens_of(BlockId block) const {
  return std::span(tokens_).subspan(static_cast<size_t>(block * pool_.block_tokens()),
                                    static_cast<size_t>(at(block).token_count));
}

std::optional<BlockId> PrefixCache::find(const PrefixKey& key,
                                         std::span<const TokenId> tokens) const {
  const auto found = full_.find(key);
  if (found == full_.end() || !std::ranges::equal(tokens_of(found->second), tokens)) return {};
  return found->second;
}

PrefixCache::Beginning PrefixCache::find_beginning(const PrefixKey& before,
                                                   std::span<const TokenId> tokens) const {
  Beginning best;
  const auto found = behind_.find(before);
  if (found == behind_.end()) return best;
  for (const BlockId block : found->second) {
    const int64_t shared = common_prefix(tokens, tokens_of(block));
    if (shared > best.shared_count) best = {block, shared, at(block).token_count};
  }
  return best;
}

void PrefixCache::enter(const PrefixKey& before, std::span<const TokenId> tokens, BlockId block) {
  SPARROW_CHECK(!pool_.is_kept(block));
  pool_.set_kept(block, true);
  at(block).before = before;
  at(block).token_count = static_cast<int64_t>(tokens.size());
  std::ranges::copy(tokens, tokens_.begin() + block * pool_.block_tokens());
  behind_[before].push_back(block);
}

BlockId PrefixCache::keep(const PrefixKey& before, const PrefixKey& key,
                          std::span<const TokenId> tokens, BlockId block) {
  SPARROW_CHECK(static_cast<int64_t>(tokens.size()) == pool_.block_tokens());
  const auto [place, is_new] = full_.try_emplace(key, block);
  // Of two blocks with one key, but other tokens, the later is simply not kept.
  if (!is_new) return std::ranges::equal(tokens_of(place->second), tokens) ? place->second : block;
  enter(before, tokens, block);
  at(block).key = key;
  return block;
}

void PrefixCache::keep_end(const PrefixKey& before, std::span<const TokenId> tokens,
                           BlockId block) {
  const Beginning longest = find_beginning(before, tokens);
  if (longest.shared_count == static_cast<int64_t>(tokens.size())) return;
  // What this one goes on from, with nobody in it, is of no more use.
  if (longest.shared_count > 0 && longest.shared_count == longest.token_count &&
      pool_.user_count(longest.block) == 0)
    forget(longest.block);
  enter(before, tokens, block);
}

void PrefixCache::forget(BlockId block) {
  SPARROW_CHECK(pool_.is_kept(block));
  const Entry& entry = at(block);
  const auto siblings = behind_.find(entry.before);
  std::erase(siblings->second, block);
  if (siblings->second.empty()) behind_.erase(siblings);
  if (entry.token_count == pool_.block_tokens()) full_.erase(entry.key);
  pool_.set_kept(block, false);
}

bool PrefixCache::reset() {
  while (pool_.idle_count() > 0) forget(pool_.oldest_idle());
  return behind_.empty();
}

// A block is used by whoever uses one behind it, and released after it: so what has been idle for
// longest has nothing behind it.
BlockId PrefixCache::allocate() {
  if (pool_.free_count() == 0) forget(pool_.oldest_idle());
  return pool_.allocate();
}

void PrefixCache::check() const {
  int64_t kept = 0;
  for (BlockId block = 0; block < pool_.block_count(); ++block) {
    if (!pool_.is_kept(block)) continue;
    ++kept;
    const Entry& entry = at(block);
    const auto siblings = behind_.find(entry.before);
    SPARROW_CHECK(siblings != behind_.end());
    SPARROW_CHECK(std::ranges::count(siblings->second, block) == 1);
    SPARROW_CHECK(entry.token_count >= 1 && entry.token_count <= pool_.block_tokens());
    if (entry.token_count < pool_.block_tokens()) continue;
    const auto found = full_.find(entry.key);
    SPARROW_CHECK(found != full_.end() && found->second == block);
  }
  int64_t behind = 0;
  for (const auto& [key, blocks] : behind_) behind += static_cast<int64_t>(blocks.size());
  SPARROW_CHECK(behind == kept);
}

}  // namespace sparrow
