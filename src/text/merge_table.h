// Which two neighbouring symbols join, to what, and which pair goes first; and the joining itself.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "text/hash.h"
#include "text/tokenizer.h"

namespace sparrow {

// Filled while it is loaded, then immutable; any thread may read. A symbol is a token, or a
// character that is only a part of tokens; symbols are below kMaxSymbols.
class MergeTable {
 public:
  static constexpr int64_t kMaxSymbols = int64_t{1} << 21;
  static constexpr int64_t kMaxMerges = (int64_t{1} << 22) - 1;

  // What find() gives for a pair that does not join.
  static constexpr int32_t kNone = INT32_MAX;

  // For at most `pair_count` pairs.
  explicit MergeTable(size_t pair_count);

  // The number of a new merge, which makes `result`. Merges are added in the order in which they go
  // first; one that `ties` goes with the one before it, from left to right.
  int32_t add_merge(TokenId result, bool ties = false);
  // One of the pairs that a merge joins. A pair that is in already counts as the new one.
  void add_pair(TokenId left, TokenId right, int32_t merge);

  int32_t find(TokenId left, TokenId right) const {
    const uint64_t key = key_of(left, right);
    const uint64_t hash = mix_hash(key, seed_);
    if ((filter_[hash >> (64 - kFilterBits + 6)] >> (hash >> (64 - kFilterBits) & 63) & 1) == 0)
      return kNone;
    size_t at = hash & (slots_.size() - 1);
    while (true) {
      const uint64_t slot = slots_[at];
      if (slot >> kIndexBits == key) return static_cast<int32_t>(slot & kIndexMask);
      if (slot == kEmpty) return kNone;
      at = (at + 1) & (slots_.size() - 1);
    }
  }
  TokenId result(int32_t merge) const { return results_[static_cast<size_t>(merge)]; }
  // Of two merges the one of the lower rank goes first, of equal ones the left one. Of kNone,
  // kNone.
  int32_t rank(int32_t merge) const {
    return ranks_.empty() || merge == kNone ? merge : ranks_[static_cast<size_t>(merge)];
  }

 private:
  // A slot is the pair and the number of its merge in one word: most look-ups find nothing, and
  // the table has to stay near.
  static constexpr int kSymbolBits = 21;
  static constexpr int kIndexBits = 22;
  static constexpr uint64_t kIndexMask = (uint64_t{1} << kIndexBits) - 1;
  static constexpr uint64_t kEmpty = UINT64_MAX;

  static uint64_t key_of(TokenId left, TokenId right) {
    return static_cast<uint64_t>(left) << kSymbolBits | static_cast<uint64_t>(right);
  }
  size_t slot_of(uint64_t key) const { return mix_hash(key, seed_) & (slots_.size() - 1); }

  static constexpr int kFilterBits = 21;
  std::vector<uint64_t> filter_ = std::vector<uint64_t>(size_t{1} << (kFilterBits - 6));
  std::vector<uint64_t> slots_;
  std::vector<TokenId> results_;
  std::vector<int32_t> ranks_;  // empty as long as the merges' numbers are their ranks
  uint64_t seed_;
};

// Joins neighbours until no pair of the table is left: always the pair of the lowest rank, of equal
// ones the leftmost. Its memory is kept from word to word; used by one thread.
class Merger {
 public:
  explicit Merger(const MergeTable& table) : table_(table) {}

  // `symbols` shrinks to what is left. Below 2^31 symbols; O(n log n).
  void merge(std::vector<TokenId>& symbols);

 private:
  void merge_short(std::vector<TokenId>& symbols);
  void merge_long(std::vector<TokenId>& symbols);

  const MergeTable& table_;
  std::vector<int32_t> merges_;  // of the pair that begins at each symbol
  std::vector<int32_t> next_;
  std::vector<int32_t> previous_;
  std::vector<uint64_t> heap_;  // rank and position
};

}  // namespace sparrow
