#include "text/merge_table.h"

#include <algorithm>
#include <array>
#include <bit>
#include <functional>

#include "base/error.h"

namespace sparrow {
namespace {

// Up to here looking at all pairs again is quicker than keeping a heap.
constexpr size_t kShortWord = 48;

}  // namespace

MergeTable::MergeTable(size_t pair_count)
    : slots_(std::bit_ceil(pair_count + pair_count / 2 + 2), kEmpty), seed_(draw_hash_seed()) {
  results_.reserve(pair_count);
}

int32_t MergeTable::add_merge(TokenId result, bool ties) {
  SPARROW_CHECK(static_cast<int64_t>(results_.size()) < kMaxMerges);
  const int32_t merge = static_cast<int32_t>(results_.size());
  if (ties && ranks_.empty()) {
    for (int32_t i = 0; i < merge; ++i) ranks_.push_back(i);
  }
  if (ties || !ranks_.empty()) ranks_.push_back(ties ? ranks_.back() : merge);
  results_.push_back(result);
  return merge;
}

void MergeTable::add_pair(TokenId left, TokenId right, int32_t merge) {
  SPARROW_CHECK(left >= 0 && left < kMaxSymbols && right >= 0 && right < kMaxSymbols);
  const uint64_t key = key_of(left, right);
  const uint64_t hash = mix_hash(key, seed_);
  filter_[hash >> (64 - kFilterBits + 6)] |= uint64_t{1} << (hash >> (64 - kFilterBits) & 63);
  size_t at = hash & (slots_.size() - 1);
  while (slots_[at] != kEmpty && slots_[at] >> kIndexBits != key) {
    at = (at + 1) & (slots_.size() - 1);
  }
  slots_[at] = key << kIndexBits | static_cast<uint64_t>(merge);
}

void Merger::merge(std::vector<TokenId>& symbols) {
  if (symbols.size() < 2) return;
  if (symbols.size() <= kShortWord) {
    merge_short(symbols);
  } else {
    merge_long(symbols);
  }
}

void Merger::merge_short(std::vector<TokenId>& symbols) {
  int count = static_cast<int>(symbols.size());
  TokenId* const symbol = symbols.data();
  std::array<int32_t, kShortWord> merges;  // of the pair that begins at each symbol
  for (int i = 0; i + 1 < count; ++i) merges[i] = table_.find(symbol[i], symbol[i + 1]);
  while (count > 1) {
    int best = 0;
    int32_t best_rank = table_.rank(merges[0]);
    for (int i = 1; i + 1 < count; ++i) {
      const int32_t rank = table_.rank(merges[i]);
      best = rank < best_rank ? i : best;
      best_rank = std::min(rank, best_rank);
    }
    if (best_rank == MergeTable::kNone) break;
    symbol[best] = table_.result(merges[best]);
    --count;
    std::copy(symbol + best + 2, symbol + count + 1, symbol + best + 1);
    std::copy(merges.data() + best + 1, merges.data() + count, merges.data() + best);
    if (best > 0) merges[best - 1] = table_.find(symbol[best - 1], symbol[best]);
    if (best + 1 < count) merges[best] = table_.find(symbol[best], symbol[best + 1]);
  }
  symbols.resize(static_cast<size_t>(count));
}

// The symbols are a linked list; the heap may hold entries that a later join has made untrue, which
// are known by the pair now at their place having another rank.
void Merger::merge_long(std::vector<TokenId>& symbols) {
  const int32_t count = static_cast<int32_t>(symbols.size());
  merges_.assign(symbols.size(), MergeTable::kNone);
  next_.resize(symbols.size());
  previous_.resize(symbols.size());
  heap_.clear();
  const auto entry = [this](int32_t at) {
    return static_cast<uint64_t>(table_.rank(merges_[at])) << 32 | static_cast<uint32_t>(at);
  };
  for (int32_t i = 0; i < count; ++i) {
    next_[i] = i + 1;
    previous_[i] = i - 1;
    if (i + 1 < count) merges_[i] = table_.find(symbols[i], symbols[i + 1]);
    if (merges_[i] != MergeTable::kNone) heap_.push_back(entry(i));
  }
  std::make_heap(heap_.begin(), heap_.end(), std::greater<>());
  const auto renew = [&](int32_t at) {
    merges_[at] =
        next_[at] < count ? table_.find(symbols[at], symbols[next_[at]]) : MergeTable::kNone;
    if (merges_[at] == MergeTable::kNone) return;
    heap_.push_back(entry(at));
    std::push_heap(heap_.begin(), heap_.end(), std::greater<>());
  };
  while (!heap_.empty()) {
    std::pop_heap(heap_.begin(), heap_.end(), std::greater<>());
    const uint64_t top = heap_.back();
    heap_.pop_back();
    const int32_t at = static_cast<int32_t>(top & UINT32_MAX);
    if (static_cast<uint64_t>(table_.rank(merges_[at])) != top >> 32) continue;
    const int32_t gone = next_[at];
    symbols[at] = table_.result(merges_[at]);
    merges_[gone] = MergeTable::kNone;
    next_[at] = next_[gone];
    if (next_[at] < count) previous_[next_[at]] = at;
    renew(at);
    if (previous_[at] >= 0) renew(previous_[at]);
  }
  int32_t kept = 0;
  for (int32_t i = 0; i < count; i = next_[i]) symbols[kept++] = symbols[i];
  symbols.resize(static_cast<size_t>(kept));
}

}  // namespace sparrow
