#include "engine/scheduler.h"

#include <algorithm>
#include <utility>

#include "base/error.h"

namespace sparrow {

Scheduler::Scheduler(BlockPool& pool, const SchedulerLimits& limits)
    : pool_(pool), cache_(pool), limits_(limits) {
  SPARROW_CHECK(limits.max_sequences >= 1 && limits.max_rows >= limits.max_sequences);
}

void Scheduler::admit(std::vector<std::unique_ptr<Sequence>> sequences) {
  for (std::unique_ptr<Sequence>& sequence : sequences) waiting_.push_back(std::move(sequence));
}

void Scheduler::start_waiting() {
  while (!waiting_.empty() && running_count() < limits_.max_sequences && start(*waiting_.front())) {
    running_.push_back(std::move(waiting_.front()));
    waiting_.pop_front();
  }
}

// False if others hold the blocks it needs. What nobody runs on is the cache's, and gives way.
bool Scheduler::start(Sequence& sequence) {
  const int64_t needed = pool_.blocks_for(sequence.max_size());
  if (needed > pool_.free_count() + cache_.block_count()) return false;
  PrefixCache::Prefix prefix = cache_.take(sequence.tokens());
  // The last token's logits are wanted: it is computed again.
  const int64_t cached_count = std::min(prefix.token_count, sequence.size() - 1);
  const int64_t held = static_cast<int64_t>(prefix.blocks.size());
  if (held > needed) {
    pool_.release(std::span(prefix.blocks).subspan(static_cast<size_t>(needed)));
    prefix.blocks.resize(static_cast<size_t>(needed));
  } else {
    cache_.make_room(needed - held);
    pool_.allocate(needed - held, prefix.blocks);
  }
  sequence.start(std::move(prefix.blocks), cached_count);
  return true;
}

const Batch& Scheduler::next_batch(int64_t prompt_rows) {
  start_waiting();
  ids_.clear();
  positions_.clear();
  parts_.clear();
  logit_rows_.clear();
  part_owners_.clear();
  to_sample_.clear();
  prompt_row_count_ = 0;
  for (const auto& sequence : running_)
    if (sequence->pending_count() == 1) add_rows(*sequence, 1);
  const int64_t free_rows = limits_.max_rows - static_cast<int64_t>(ids_.size());
  int64_t left = std::min(prompt_rows, free_rows);
  for (const auto& sequence : running_) {
    if (sequence->pending_count() == 1 || left == 0) continue;
    const int64_t count = std::min(left, sequence->pending_count());
    add_rows(*sequence, count);
    prompt_row_count_ += count;
    left -= count;
  }
  batch_ = {ids_, positions_, parts_, logit_rows_};
  return batch_;
}

void Scheduler::add_rows(Sequence& sequence, int64_t count) {
  const int64_t first = sequence.computed_count();
  parts_.push_back({.first_row = static_cast<int64_t>(ids_.size()),
                    .row_count = count,
                    .first_position = first,
                    .blocks = sequence.blocks()});
  part_owners_.push_back(&sequence);
  for (int64_t position = first; position < first + count; ++position) {
    ids_.push_back(sequence.tokens()[static_cast<size_t>(position)]);
    positions_.push_back(static_cast<int32_t>(position));
  }
  if (first + count < sequence.size() || !sequence.wants_token()) return;
  logit_rows_.push_back(static_cast<int64_t>(ids_.size()) - 1);
  to_sample_.push_back(&sequence);
}

void Scheduler::commit() {
  for (size_t i = 0; i < parts_.size(); ++i) part_owners_[i]->advance(parts_[i].row_count);
}

void Scheduler::cancel_marked() {
  for (const auto& sequence : running_)
    if (sequence->stream()->is_cancelled()) sequence->finish(FinishReason::cancelled);
  for (const auto& sequence : waiting_)
    if (sequence->stream()->is_cancelled()) sequence->finish(FinishReason::cancelled);
  deliver();
}

void Scheduler::deliver() {
  const auto is_finished = [](const auto& sequence) { return sequence->is_finished(); };
  for (const auto& sequence : running_) {
    if (sequence->is_finished()) retire(*sequence);
    sequence->deliver();
  }
  for (const auto& sequence : waiting_)
    if (sequence->is_finished()) sequence->deliver();
  std::erase_if(running_, is_finished);
  std::erase_if(waiting_, is_finished);
}

void Scheduler::cancel_all() {
  for (const auto& sequence : running_) sequence->finish(FinishReason::cancelled);
  for (const auto& sequence : waiting_) sequence->finish(FinishReason::cancelled);
  deliver();
}

void Scheduler::finish_all_with(const Error& error) {
  for (const auto& sequence : running_) sequence->finish_with(error);
  for (const auto& sequence : waiting_) sequence->finish_with(error);
  deliver();
}

// What it has computed stays, unless it is worth nothing.
void Scheduler::retire(Sequence& sequence) {
  std::vector<BlockId> blocks = sequence.take_blocks();
  const int64_t computed = sequence.computed_count();
  if (sequence.finish_reason() == FinishReason::error || computed == 0) {
    pool_.release(blocks);
    return;
  }
  const size_t kept = static_cast<size_t>(pool_.blocks_for(computed));
  pool_.release(std::span(blocks).subspan(kept));
  blocks.resize(kept);
  const std::vector<TokenId>& tokens = sequence.tokens();
  cache_.keep({tokens.begin(), tokens.begin() + computed}, std::move(blocks));
}

void Scheduler::check() const {
  pool_.check();
  int64_t held = cache_.block_count();
  for (const auto& sequence : running_) {
    SPARROW_CHECK(!sequence->is_finished());
    SPARROW_CHECK(sequence->pending_count() >= 1);
    SPARROW_CHECK(static_cast<int64_t>(sequence->blocks().size()) ==
                  pool_.blocks_for(sequence->max_size()));
    held += static_cast<int64_t>(sequence->blocks().size());
  }
  SPARROW_CHECK(held + pool_.free_count() == pool_.block_count());
  SPARROW_CHECK(running_count() <= limits_.max_sequences);
}

}  // namespace sparrow
