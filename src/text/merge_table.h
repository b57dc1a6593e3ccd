// Which two neighbouring tokens join, to what, and which pair goes first; and the joining itself.
#pragma once

#include <bit>
#include <cstdint>
#include <vector>

#include "text/hash.h"
#include "text/tokenizer.h"

namespace sparrow {

// Filled while it is loaded, then immutable; any thread may read.
class MergeTable {
 public:
  struct Merge {
    int32_t rank = kNone;  // lower goes first; kNone: the pair does not join
    TokenId result = 0;
  };
  static constexpr int32_t kNone = INT32_MAX;

  explicit MergeTable(size_t capacity)
      : slots_(std::bit_ceil(capacity * 2 + 2)), seed_(draw_hash_seed()) {}

  // A pair that is in already takes the new rank. Adds no more than `capacity` pairs.
  void add(TokenId left, TokenId right, Merge merge) {
    slots_[probe(key_of(left, right))] = {key_of(left, right), merge};
  }
  Merge find(TokenId left, TokenId right) const { return slots_[probe(key_of(left, right))].merge; }

 private:
  struct Slot {
    uint64_t key = UINT64_MAX;
    Merge merge;
  };
  static uint64_t key_of(TokenId left, TokenId right) {
    return static_cast<uint64_t>(static_cast<uint32_t>(left)) << 32 | static_cast<uint32_t>(right);
  }
  size_t probe(uint64_t key) const {
    size_t at = mix_hash(key, seed_) & (slots_.size() - 1);
    while (slots_[at].key != key && slots_[at].key != UINT64_MAX) {
      at = (at + 1) & (slots_.size() - 1);
    }
    return at;
  }

  std::vector<Slot> slots_;
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
  std::vector<MergeTable::Merge> merges_;  // of the pair that begins at each symbol
  std::vector<int32_t> next_;
  std::vector<int32_t> previous_;
  std::vector<uint64_t> heap_;  // rank and position
};

}  // namespace sparrow
