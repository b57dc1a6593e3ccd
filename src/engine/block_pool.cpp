#include "engine/block_pool.h"

#include "base/error.h"

namespace sparrow {

BlockPool::BlockPool(int64_t block_count, int64_t block_tokens)
    : block_tokens_(block_tokens), blocks_(static_cast<size_t>(block_count)) {
  for (int64_t block = block_count - 1; block >= 0; --block)
    free_.push_back(static_cast<BlockId>(block));
}

BlockId BlockPool::allocate() {
  SPARROW_CHECK(!free_.empty());
  const BlockId block = free_.back();
  free_.pop_back();
  at(block).user_count = 1;
  return block;
}

void BlockPool::share(BlockId block) {
  Block& b = at(block);
  if (b.user_count == 0) {
    SPARROW_CHECK(b.is_kept);
    remove_idle(block);
  }
  ++b.user_count;
}

void BlockPool::release(BlockId block) {
  Block& b = at(block);
  SPARROW_CHECK(b.user_count > 0);
  if (--b.user_count > 0) return;
  if (b.is_kept) {
    push_idle(block);
  } else {
    free_.push_back(block);
  }
}

void BlockPool::set_kept(BlockId block, bool is_kept) {
  Block& b = at(block);
  if (b.is_kept == is_kept) return;
  SPARROW_CHECK(b.user_count > 0 || b.is_kept);
  b.is_kept = is_kept;
  if (b.user_count > 0) return;
  remove_idle(block);
  free_.push_back(block);
}

BlockId BlockPool::oldest_idle() const {
  SPARROW_CHECK(oldest_idle_ != kNone);
  return oldest_idle_;
}

void BlockPool::push_idle(BlockId block) {
  Block& b = at(block);
  b.older = newest_idle_;
  b.newer = kNone;
  (newest_idle_ == kNone ? oldest_idle_ : at(newest_idle_).newer) = block;
  newest_idle_ = block;
  ++idle_count_;
}

void BlockPool::remove_idle(BlockId block) {
  const Block& b = at(block);
  (b.older == kNone ? oldest_idle_ : at(b.older).newer) = b.newer;
  (b.newer == kNone ? newest_idle_ : at(b.newer).older) = b.older;
  --idle_count_;
}

void BlockPool::check() const {
  enum class State { used, free, idle };
  std::vector<State> states(blocks_.size(), State::used);
  const auto mark = [&](BlockId block, State state) {
    State& found = states[static_cast<size_t>(block)];
    SPARROW_CHECK(found == State::used);  // nowhere twice
    found = state;
  };
  for (const BlockId block : free_) mark(block, State::free);
  int64_t idle = 0;
  for (BlockId block = oldest_idle_, older = kNone; block != kNone; block = at(block).newer) {
    SPARROW_CHECK(at(block).older == older);
    mark(block, State::idle);
    older = block;
    ++idle;
  }
  SPARROW_CHECK(idle == idle_count_);
  for (size_t i = 0; i < blocks_.size(); ++i) {
    SPARROW_CHECK((blocks_[i].user_count > 0) == (states[i] == State::used));
    SPARROW_CHECK(states[i] != State::free || !blocks_[i].is_kept);
    SPARROW_CHECK(states[i] != State::idle || blocks_[i].is_kept);
  }
}

}  // namespace sparrow
