// From a string to its number in a StringArena.
#pragma once

#include <bit>
#include <cstdint>
#include <string_view>
#include <vector>

#include "text/hash.h"
#include "text/string_arena.h"

namespace sparrow {

// Filled while it is loaded, then only read; any thread may read.
class PieceIndex {
 public:
  explicit PieceIndex(size_t capacity)
      : slots_(std::bit_ceil(capacity + capacity / 2 + 2)), seed_(draw_hash_seed()) {}

  // Makes arena[number] findable. False, and nothing changes, if an equal string is in already.
  bool insert(const StringArena& arena, int32_t number) {
    Slot& slot = slots_[probe(arena, arena[static_cast<size_t>(number)])];
    if (slot.number >= 0) return false;
    slot = {tag_of(hash_bytes(arena[static_cast<size_t>(number)], seed_)), number};
    return true;
  }

  // -1 if it is not in.
  int32_t find(const StringArena& arena, std::string_view text) const {
    return slots_[probe(arena, text)].number;
  }

 private:
  struct Slot {
    uint32_t tag = 0;
    int32_t number = -1;
  };
  static uint32_t tag_of(uint64_t hash) { return static_cast<uint32_t>(hash >> 32); }

  // The slot of `text`, or the empty one where it would go. The table is never full.
  size_t probe(const StringArena& arena, std::string_view text) const {
    const uint64_t hash = hash_bytes(text, seed_);
    size_t at = hash & (slots_.size() - 1);
    while (slots_[at].number >= 0 && (slots_[at].tag != tag_of(hash) ||
                                      arena[static_cast<size_t>(slots_[at].number)] != text)) {
      at = (at + 1) & (slots_.size() - 1);
    }
    return at;
  }

  std::vector<Slot> slots_;
  uint64_t seed_;
};

}  // namespace sparrow
