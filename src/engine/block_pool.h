// Which KV-cache blocks are free, and how many sequences share each of the others. Ids and counts
// only: the backend owns the bytes. Used by the engine's thread alone.
#pragma once

#include <cstdint>
#include <vector>

#include "backend/backend.h"

namespace sparrow {

// A block is free; or used, by one sequence or several; or idle: kept without a user, because its
// content may be wanted again.
class BlockPool {
 public:
  // `block_tokens` is the number of token positions one block holds.
  BlockPool(int64_t block_count, int64_t block_tokens);

  int64_t block_count() const { return static_cast<int64_t>(blocks_.size()); }
  int64_t block_tokens() const { return block_tokens_; }
  int64_t free_count() const { return static_cast<int64_t>(free_.size()); }
  int64_t idle_count() const { return idle_count_; }
  // Blocks that hold so many tokens.
  int64_t blocks_for(int64_t token_count) const {
    return (token_count + block_tokens_ - 1) / block_tokens_;
  }

  // A free block, for one user; there must be one.
  BlockId allocate();
  // One more user, of a block that is used or idle.
  void share(BlockId block);
  // One user less. What nobody uses is idle if it is kept, else free; among idle blocks it is then
  // the last to go.
  void release(BlockId block);
  int64_t user_count(BlockId block) const { return at(block).user_count; }

  // Whether the block stays when nobody uses it.
  void set_kept(BlockId block, bool is_kept);
  bool is_kept(BlockId block) const { return at(block).is_kept; }
  // The block that has been idle for longest; there must be one.
  BlockId oldest_idle() const;

  void check() const;  // Verifies the invariants; aborts on a bug.

 private:
  static constexpr BlockId kNone = -1;

  struct Block {
    int64_t user_count = 0;
    bool is_kept = false;
    BlockId older = kNone;  // of the idle ones
    BlockId newer = kNone;
  };

  Block& at(BlockId block) { return blocks_[static_cast<size_t>(block)]; }
  const Block& at(BlockId block) const { return blocks_[static_cast<size_t>(block)]; }
  void push_idle(BlockId block);
  void remove_idle(BlockId block);

  int64_t block_tokens_;
  std::vector<Block> blocks_;
  std::vector<BlockId> free_;  // the last is given out next
  BlockId oldest_idle_ = kNone;
  BlockId newest_idle_ = kNone;
  int64_t idle_count_ = 0;
};

}  // namespace sparrow
