#include "text/merge_table.h"

#include <algorithm>
#include <functional>

namespace sparrow {
namespace {

// Up to here looking at all pairs again is quicker than keeping a heap.
constexpr size_t kShortWord = 48;

}  // namespace

void Merger::merge(std::vector<TokenId>& symbols) {
  if (symbols.size() < 2) return;
  if (symbols.size() <= kShortWord) {
    merge_short(symbols);
  } else {
    merge_long(symbols);
  }
}

void Merger::merge_short(std::vector<TokenId>& symbols) {
  size_t count = symbols.size();
  merges_.resize(count);
  for (size_t i = 0; i + 1 < count; ++i) merges_[i] = table_.find(symbols[i], symbols[i + 1]);
  while (count > 1) {
    size_t best = 0;
    for (size_t i = 1; i + 1 < count; ++i) {
      if (merges_[i].rank < merges_[best].rank) best = i;
    }
    if (merges_[best].rank == MergeTable::kNone) break;
    symbols[best] = merges_[best].result;
    --count;
    for (size_t i = best + 1; i < count; ++i) {
      symbols[i] = symbols[i + 1];
      merges_[i] = merges_[i + 1];
    }
    if (best > 0) merges_[best - 1] = table_.find(symbols[best - 1], symbols[best]);
    if (best + 1 < count) merges_[best] = table_.find(symbols[best], symbols[best + 1]);
  }
  symbols.resize(count);
}

// The symbols are a linked list; the heap may hold entries that a later join has made untrue, which
// are known by the pair now at their place having another rank.
void Merger::merge_long(std::vector<TokenId>& symbols) {
  const int32_t count = static_cast<int32_t>(symbols.size());
  merges_.assign(symbols.size(), {});
  next_.resize(symbols.size());
  previous_.resize(symbols.size());
  heap_.clear();
  const auto entry = [this](int32_t at) {
    return static_cast<uint64_t>(merges_[at].rank) << 32 | static_cast<uint32_t>(at);
  };
  for (int32_t i = 0; i < count; ++i) {
    next_[i] = i + 1;
    previous_[i] = i - 1;
    if (i + 1 < count) merges_[i] = table_.find(symbols[i], symbols[i + 1]);
    if (merges_[i].rank != MergeTable::kNone) heap_.push_back(entry(i));
  }
  std::make_heap(heap_.begin(), heap_.end(), std::greater<>());
  const auto renew = [&](int32_t at) {
    merges_[at] =
        next_[at] < count ? table_.find(symbols[at], symbols[next_[at]]) : MergeTable::Merge{};
    if (merges_[at].rank == MergeTable::kNone) return;
    heap_.push_back(entry(at));
    std::push_heap(heap_.begin(), heap_.end(), std::greater<>());
  };
  while (!heap_.empty()) {
    std::pop_heap(heap_.begin(), heap_.end(), std::greater<>());
    const uint64_t top = heap_.back();
    heap_.pop_back();
    const int32_t at = static_cast<int32_t>(top & UINT32_MAX);
    if (static_cast<uint64_t>(merges_[at].rank) != top >> 32) continue;
    const int32_t gone = next_[at];
    symbols[at] = merges_[at].result;
    merges_[gone].rank = MergeTable::kNone;
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
