#include "engine/block_pool.h"

#include "base/error.h"

namespace sparrow {

BlockPool::BlockPool(int64_t block_count, int64_t block_tokens)
    : block_tokens_(block_tokens), is_free_(static_cast<size_t>(block_count), true) {
  for (int64_t block = block_count - 1; block >= 0; --block)
    free_.push_back(static_cast<BlockId>(block));
}

void BlockPool::allocate(int64_t count, std::vector<BlockId>& blocks) {
  SPARROW_CHECK(count <= free_count());
  for (int64_t i = 0; i < count; ++i) {
    const BlockId block = free_.back();
    free_.pop_back();
    is_free_[static_cast<size_t>(block)] = false;
    blocks.push_back(block);
  }
}

void BlockPool::release(std::span<const BlockId> blocks) {
  for (const BlockId block : blocks) {
    SPARROW_CHECK(!is_free_[static_cast<size_t>(block)]);
    is_free_[static_cast<size_t>(block)] = true;
    free_.push_back(block);
  }
}

void BlockPool::check() const {
  std::vector<bool> seen(is_free_.size(), false);
  for (const BlockId block : free_) {
    SPARROW_CHECK(is_free_[static_cast<size_t>(block)] && !seen[static_cast<size_t>(block)]);
    seen[static_cast<size_t>(block)] = true;
  }
  SPARROW_CHECK(seen == is_free_);
}

}  // namespace sparrow
