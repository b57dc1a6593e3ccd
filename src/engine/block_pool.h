// Which KV-cache blocks are free. Ids and counts only: the backend owns the bytes.
// Used by the engine's thread alone.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "backend/backend.h"

namespace sparrow {

class BlockPool {
 public:
  // `block_tokens` is the number of token positions one block holds.
  BlockPool(int64_t block_count, int64_t block_tokens);

  int64_t block_count() const { return static_cast<int64_t>(is_free_.size()); }
  int64_t block_tokens() const { return block_tokens_; }
  int64_t free_count() const { return static_cast<int64_t>(free_.size()); }
  // Blocks that hold so many tokens.
  int64_t blocks_for(int64_t token_count) const {
    return (token_count + block_tokens_ - 1) / block_tokens_;
  }

  // Appends `count` blocks; at least so many must be free.
  void allocate(int64_t count, std::vector<BlockId>& blocks);
  void release(std::span<const BlockId> blocks);

  void check() const;  // Verifies the invariants; aborts on a bug.

 private:
  int64_t block_tokens_;
  std::vector<BlockId> free_;  // the last is given out next
  std::vector<bool> is_free_;  // [block]
};

}  // namespace sparrow
