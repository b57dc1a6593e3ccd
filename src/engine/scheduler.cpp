#include "engine/scheduler.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "base/error.h"

namespace sparrow {
namespace {

int64_t common_prefix(std::span<const TokenId> a, std::span<const TokenId> b) {
  return std::ranges::mismatch(a, b).in1 - a.begin();
}

// How many blocks two sequences have in common. One equal key means that all before it are.
size_t shared_keys(const std::vector<PrefixKey>& a, const std::vector<PrefixKey>& b) {
  const size_t count = std::min(a.size(), b.size());
  size_t shared = 0;
  for (size_t step = std::bit_floor(count); step > 0; step /= 2) {
    if (shared + step <= count && a[shared + step - 1] == b[shared + step - 1]) shared += step;
  }
  return shared;
}

}  // namespace

Scheduler::Scheduler(BlockPool& pool, const SchedulerLimits& limits)
    : pool_(pool), cache_(pool), limits_(limits) {
  SPARROW_CHECK(limits.max_sequences >= 1 && limits.max_rows >= limits.max_sequences);
}

void Scheduler::admit(std::vector<std::unique_ptr<Sequence>> sequences) {
  for (std::unique_ptr<Sequence>& sequence : sequences) {
    SPARROW_CHECK(pool_.blocks_for(sequence->max_size()) <= pool_.block_count());
    sequence->set_root_key(cache_.root_key(sequence->fingerprint()));
    waiting_of(sequence->priority()).push_back(std::move(sequence));
  }
}

int64_t Scheduler::waiting_count() const {
  return static_cast<int64_t>(waiting_[0].size() + waiting_[1].size());
}

bool Scheduler::is_decoding() const {
  return std::ranges::any_of(running_,
                             [](const auto& sequence) { return sequence->pending_count() == 1; });
}

// A class waits until nobody of the one before it does, and makes room for it.
void Scheduler::start_waiting() {
  for (Waiting& waiting : waiting_) {
    while (!waiting.empty()) {
      const Priority priority = waiting.front()->priority();
      if (running_count() < limits_.max_sequences && can_start(*waiting.front())) {
        start(std::move(waiting.front()));
        waiting.pop_front();
      } else if (running_.back()->priority() > priority) {
        preempt_last();
      } else {
        return;
      }
    }
  }
}

void Scheduler::tell_positions() {
  for (const auto& sequence : running_) sequence->set_queue_position(0);
  int64_t position = 0;
  for (const Waiting& waiting : waiting_)
    for (const auto& sequence : waiting) sequence->set_queue_position(++position);
}

Scheduler::Known Scheduler::known_of(const Sequence& sequence) const {
  Known known;
  const std::vector<PrefixKey>& keys = sequence.keys();
  for (size_t i = sequence.blocks().size(); i < keys.size(); ++i) {
    const auto found = cache_.find(keys[i], tokens_in(sequence, static_cast<int64_t>(i)));
    if (!found) break;
    ++known.count;
    if (pool_.user_count(*found) == 0) ++known.idle_count;
  }
  return known;
}

// How many blocks are still to be found for all of its tokens and the next, if it ran at that rank:
// what the cache knows, or who runs before it computes, it will share.
int64_t Scheduler::missing_count(const Sequence& sequence, size_t rank) const {
  size_t shared = sequence.blocks().size() + known_of(sequence).count;
  for (size_t i = 0; i < rank; ++i)
    shared = std::max(shared, shared_keys(sequence.keys(), running_[i]->keys()));
  const int64_t tokens = std::min(sequence.size() + 1, sequence.max_size());
  return std::max<int64_t>(0, pool_.blocks_for(tokens) - static_cast<int64_t>(shared));
}

// Whether there are blocks for it beside those that run, and one more for each of them.
bool Scheduler::can_start(Sequence& sequence) {
  if (running_.empty()) return true;
  extend_keys(sequence);
  int64_t needed = missing_count(sequence, running_.size()) + running_count();
  for (size_t rank = 0; rank < running_.size(); ++rank)
    needed += missing_count(*running_[rank], rank);
  // Of those that can be had, some are what it would share.
  needed += known_of(sequence).idle_count;
  return needed <= cache_.available_count();
}

void Scheduler::start(std::unique_ptr<Sequence> sequence) {
  sequence->start();
  extend_keys(*sequence);
  const auto after = std::ranges::find_if(
      running_, [&](const auto& other) { return other->priority() > sequence->priority(); });
  running_.insert(after, std::move(sequence));
}

// The last by rank gives its blocks back, and is the first of its class to be started again.
void Scheduler::preempt_last() {
  std::unique_ptr<Sequence> last = std::move(running_.back());
  running_.pop_back();
  for (Due& due : due_)
    if (due.sequence == last.get()) due.count = 0;
  give_back_blocks(*last);
  last->count_preemption();
  ++preemption_count_;
  waiting_of(last->priority()).push_front(std::move(last));
}

const Batch& Scheduler::next_batch(int64_t prompt_rows) {
  ids_.clear();
  positions_.clear();
  parts_.clear();
  logit_rows_.clear();
  due_.clear();
  logit_owners_.clear();
  hidden_rows_.clear();
  hidden_owners_.clear();
  adapters_.clear();
  ropes_.clear();
  prompt_row_count_ = 0;
  release_copied();
  start_waiting();
  tell_positions();
  share_out_rows(prompt_rows);
  find_blocks();
  for (const Due& due : due_)
    if (due.count > 0) add_rows(*due.sequence, due.count);
  const bool has_adapters = std::ranges::any_of(
      adapters_, [](const SequenceAdapter& adapter) { return adapter.adapter != nullptr; });
  batch_ = {.ids = ids_,
            .positions = positions_,
            .sequences = parts_,
            .logit_rows = logit_rows_,
            .hidden_rows = hidden_rows_};
  if (has_adapters) batch_.adapters = adapters_;
  if (std::ranges::any_of(ropes_, [](const Rope* rope) { return rope != nullptr; }))
    batch_.ropes = ropes_;
  return batch_;
}

// Of those that read prompts the first gets at least half of the rows, so that it ends; the others
// share the rest equally, so that a short prompt need not wait for long ones.
void Scheduler::share_out_rows(int64_t prompt_rows) {
  reading_.clear();
  int64_t decoding = 0;
  for (size_t rank = 0; rank < running_.size(); ++rank) {
    Sequence& sequence = *running_[rank];
    if (sequence.pending_count() > 1) adopt_blocks(sequence);
    if (sequence.pending_count() == 1) {
      due_.push_back({&sequence, 1});
      ++decoding;
    } else if (!waits_for_another(rank)) {
      adopt_beginning(sequence);
      reading_.push_back(due_.size());
      due_.push_back({&sequence, 0});
    }
  }
  if (reading_.empty()) return;
  int64_t left = std::min(prompt_rows, limits_.max_rows - decoding);
  const auto pending = [&](size_t i) { return due_[i].sequence->pending_count(); };
  const size_t first = reading_.front();
  const int64_t first_rows = std::min(pending(first), (left + 1) / 2);
  left -= first_rows;
  std::stable_sort(reading_.begin() + 1, reading_.end(),
                   [&](size_t a, size_t b) { return pending(a) < pending(b); });
  for (size_t i = 1; i < reading_.size(); ++i) {
    const int64_t sharers = static_cast<int64_t>(reading_.size() - i);
    const int64_t count = std::min(pending(reading_[i]), (left + sharers - 1) / sharers);
    due_[reading_[i]].count = count;
    left -= count;
  }
  due_[first].count = std::min(pending(first), first_rows + left);

  int64_t scores = limits_.max_scores;
  for (Due& due : due_) {
    if (!due.sequence->scores_prompt() || due.sequence->pending_count() == 1) continue;
    due.count = std::min(due.count, scores);
    scores -= due.count;
  }
}

// Whole blocks of others that hold its next positions.
void Scheduler::adopt_blocks(Sequence& sequence) {
  const int64_t size = pool_.block_tokens();
  while (sequence.computed_count() % size == 0 &&
         sequence.computed_count() + size <= sequence.reusable_count()) {
    const int64_t i = sequence.computed_count() / size;
    const auto found = cache_.find(sequence.keys()[static_cast<size_t>(i)], tokens_in(sequence, i));
    if (!found) return;
    SPARROW_CHECK(static_cast<int64_t>(sequence.blocks().size()) == i);
    pool_.share(*found);
    sequence.add_block(*found);
    sequence.set_kept_count(i + 1);
    sequence.skip(size);
  }
}

// Positions [begin, begin + count) that it may have from others, of the block it begins next.
Scheduler::Positions Scheduler::wanted_of(const Sequence& sequence) const {
  const int64_t size = pool_.block_tokens();
  const int64_t begin = sequence.computed_count();
  if (begin % size != 0) return {};
  return {begin, std::clamp<int64_t>(sequence.reusable_count() - begin, 0, size)};
}

// How many of the wanted tokens another that runs has in the same place, behind the same ones.
int64_t Scheduler::shared_count(const Sequence& sequence, const Positions& wanted,
                                const Sequence& other) const {
  const size_t block = static_cast<size_t>(wanted.begin / pool_.block_tokens());
  if (&other == &sequence || other.size() <= wanted.begin) return 0;
  if (other.root_key() != sequence.root_key()) return 0;
  if (block > 0 &&
      (other.keys().size() < block || other.keys()[block - 1] != sequence.keys()[block - 1]))
    return 0;
  return common_prefix(tokens_of(sequence, wanted),
                       tokens_of(other, {wanted.begin, other.size() - wanted.begin}));
}

// Of the block that begins with most of its next tokens it takes a copy; or the block itself, if it
// is the end of a sequence that nobody goes on with.
void Scheduler::adopt_beginning(Sequence& sequence) {
  const Positions wanted = wanted_of(sequence);
  if (wanted.count == 0) return;
  const int64_t size = pool_.block_tokens();
  const int64_t index = wanted.begin / size;
  PrefixCache::Beginning found =
      cache_.find_beginning(key_before(sequence, index), tokens_of(sequence, wanted));
  // What has been written of a block that somebody fills stays as it is.
  for (const auto& other : running_) {
    const int64_t computed = other->computed_count() - wanted.begin;
    const int64_t shared = std::min(computed, shared_count(sequence, wanted, *other));
    if (shared > found.shared_count)
      found = {other->blocks()[static_cast<size_t>(index)], shared, size};
  }
  if (found.shared_count == 0) return;
  const bool is_idle = pool_.user_count(found.block) == 0;
  if (is_idle && found.token_count < size && found.shared_count == found.token_count) {
    pool_.share(found.block);
    cache_.forget(found.block);
    sequence.add_block(found.block);
  } else {
    if (cache_.available_count() <= (is_idle ? 1 : 0)) return;
    pool_.share(found.block);
    const BlockId block = cache_.allocate();
    copies_.push_back({found.block, block});
    sequence.add_block(block);
  }
  sequence.skip(found.shared_count);
}

// Whether a sequence of a higher rank is about to compute what this one needs next, or a good part
// of a block of it.
bool Scheduler::waits_for_another(size_t rank) const {
  const Sequence& sequence = *running_[rank];
  const Positions wanted = wanted_of(sequence);
  if (wanted.count == 0) return false;
  return std::any_of(running_.begin(), running_.begin() + static_cast<int64_t>(rank),
                     [&](const auto& other) {
                       if (other->pending_count() == 1) return false;
                       const int64_t shared = shared_count(sequence, wanted, *other);
                       return other->computed_count() < wanted.begin + shared &&
                              (shared == wanted.count || 2 * shared >= pool_.block_tokens());
                     });
}

// Those of higher ranks first, at the expense of the last.
void Scheduler::find_blocks() {
  for (Due& due : due_) {
    if (due.count == 0) continue;
    Sequence& sequence = *due.sequence;
    const auto missing = [&] {
      return pool_.blocks_for(sequence.computed_count() + due.count) -
             static_cast<int64_t>(sequence.blocks().size());
    };
    while (missing() > cache_.available_count() && running_.back().get() != &sequence)
      preempt_last();
    const int64_t held = static_cast<int64_t>(sequence.blocks().size());
    const int64_t room = (held + cache_.available_count()) * pool_.block_tokens();
    due.count = std::min(due.count, room - sequence.computed_count());
    for (int64_t count = missing(); count > 0; --count) sequence.add_block(cache_.allocate());
  }
}

void Scheduler::add_rows(Sequence& sequence, int64_t count) {
  const int64_t first = sequence.computed_count();
  if (sequence.pending_count() > 1) prompt_row_count_ += count;
  parts_.push_back({.first_row = static_cast<int64_t>(ids_.size()),
                    .row_count = count,
                    .first_position = first,
                    .blocks = sequence.blocks()});
  adapters_.push_back(sequence.adapter());
  ropes_.push_back(sequence.rope());
  for (int64_t position = first; position < first + count; ++position) {
    const int64_t row = static_cast<int64_t>(ids_.size());
    if (sequence.wants_hidden(position)) {
      hidden_rows_.push_back(row);
      hidden_owners_.push_back({&sequence, position});
    }
    const bool is_last = position + 1 == sequence.size();
    if (sequence.wants_score(position) || (is_last && sequence.wants_token())) {
      logit_rows_.push_back(row);
      logit_owners_.push_back({&sequence, position});
    }
    ids_.push_back(sequence.tokens()[static_cast<size_t>(position)]);
    positions_.push_back(static_cast<int32_t>(position));
  }
}

void Scheduler::commit() {
  release_copied();
  for (const Due& due : due_) {
    if (due.count == 0) continue;
    due.sequence->advance(due.count);
    keep_full_blocks(*due.sequence);
  }
}

void Scheduler::release_copied() {
  for (const BlockCopy& copy : copies_) pool_.release(copy.from);
  copies_.clear();
}

const PrefixKey& Scheduler::key_before(const Sequence& sequence, int64_t block) const {
  return block == 0 ? sequence.root_key() : sequence.keys()[static_cast<size_t>(block - 1)];
}

std::span<const TokenId> Scheduler::tokens_of(const Sequence& sequence,
                                              const Positions& positions) const {
  return std::span(sequence.tokens())
      .subspan(static_cast<size_t>(positions.begin), static_cast<size_t>(positions.count));
}

std::span<const TokenId> Scheduler::tokens_in(const Sequence& sequence, int64_t block) const {
  const int64_t size = pool_.block_tokens();
  return tokens_of(sequence, {block * size, size});
}

void Scheduler::extend_keys(Sequence& sequence) {
  std::vector<PrefixKey>& keys = sequence.keys();
  for (int64_t block = static_cast<int64_t>(keys.size());
       (block + 1) * pool_.block_tokens() <= sequence.size(); ++block)
    keys.push_back(cache_.next_key(key_before(sequence, block), tokens_in(sequence, block)));
}

// Of two equal blocks one is enough.
void Scheduler::keep_full_blocks(Sequence& sequence) {
  const int64_t full = sequence.computed_count() / pool_.block_tokens();
  if (sequence.kept_count() == full) return;
  extend_keys(sequence);
  for (int64_t i = sequence.kept_count(); i < full; ++i) {
    const size_t at = static_cast<size_t>(i);
    const BlockId own = sequence.blocks()[at];
    const BlockId kept =
        cache_.keep(key_before(sequence, i), sequence.keys()[at], tokens_in(sequence, i), own);
    if (kept == own) continue;
    pool_.share(kept);
    pool_.release(own);
    sequence.set_block(at, kept);
  }
  sequence.set_kept_count(full);
}

// What it has computed stays to be found, but not what broken weights may have made.
void Scheduler::give_back_blocks(Sequence& sequence) {
  const int64_t size = pool_.block_tokens();
  const int64_t computed = sequence.computed_count();
  const bool is_broken = sequence.finish_reason() == FinishReason::error;
  const int64_t full = computed / size;
  if (computed % size > 0 && !is_broken) {
    extend_keys(sequence);
    cache_.keep_end(key_before(sequence, full), tokens_of(sequence, {full * size, computed % size}),
                    sequence.blocks()[static_cast<size_t>(full)]);
  }
  const std::vector<BlockId> blocks = sequence.take_blocks();
  // The last first: what lies behind a block must go before it does.
  for (auto block = blocks.rbegin(); block != blocks.rend(); ++block) {
    if (is_broken && pool_.is_kept(*block) && pool_.user_count(*block) == 1) cache_.forget(*block);
    pool_.release(*block);
  }
}

void Scheduler::cancel_marked() {
  const auto cancel = [](const std::unique_ptr<Sequence>& sequence) {
    if (sequence->stream()->is_cancelled()) sequence->finish(FinishReason::cancelled);
  };
  std::ranges::for_each(running_, cancel);
  for (Waiting& waiting : waiting_) std::ranges::for_each(waiting, cancel);
}

void Scheduler::release_finished() {
  const auto move_finished = [&](auto& sequences) {
    for (auto& sequence : sequences)
      if (sequence->is_finished()) finished_.push_back(std::move(sequence));
    std::erase(sequences, nullptr);
  };
  for (const auto& sequence : running_) {
    sequence->finish_if_computed();
    if (sequence->is_finished()) give_back_blocks(*sequence);
  }
  move_finished(running_);
  for (Waiting& waiting : waiting_) move_finished(waiting);
}

void Scheduler::deliver() {
  for (const auto& sequence : running_) sequence->deliver();
  for (const auto& sequence : finished_) sequence->deliver();
  finished_.clear();
}

void Scheduler::cancel_all() {
  const auto cancel = [](const auto& sequence) { sequence->finish(FinishReason::cancelled); };
  std::ranges::for_each(running_, cancel);
  for (Waiting& waiting : waiting_) std::ranges::for_each(waiting, cancel);
}

void Scheduler::finish_all_with(const Error& error) {
  const auto finish = [&](const auto& sequence) { sequence->finish_with(error); };
  std::ranges::for_each(running_, finish);
  for (Waiting& waiting : waiting_) std::ranges::for_each(waiting, finish);
}

void Scheduler::check() const {
  pool_.check();
  cache_.check();
  std::vector<int64_t> users(static_cast<size_t>(pool_.block_count()), 0);
  for (const BlockCopy& copy : copies_) ++users[static_cast<size_t>(copy.from)];
  for (const auto& sequence : running_) {
    SPARROW_CHECK(!sequence->is_finished());
    SPARROW_CHECK(sequence->pending_count() >= 1);
    const int64_t held = static_cast<int64_t>(sequence->blocks().size());
    SPARROW_CHECK(held >= pool_.blocks_for(sequence->computed_count()));
    SPARROW_CHECK(held <= pool_.blocks_for(sequence->max_size()));
    for (const BlockId block : sequence->blocks()) ++users[static_cast<size_t>(block)];
    // What is written next is nobody else's.
    const size_t next = static_cast<size_t>(sequence->computed_count() / pool_.block_tokens());
    if (next < sequence->blocks().size()) {
      SPARROW_CHECK(pool_.user_count(sequence->blocks()[next]) == 1);
      SPARROW_CHECK(!pool_.is_kept(sequence->blocks()[next]));
    }
  }
  for (BlockId block = 0; block < pool_.block_count(); ++block)
    SPARROW_CHECK(users[static_cast<size_t>(block)] == pool_.user_count(block));
  const auto rank = [](const auto& a, const auto& b) { return a->priority() < b->priority(); };
  SPARROW_CHECK(std::ranges::is_sorted(running_, rank));
  for (const Waiting& waiting : waiting_) {
    for (const auto& sequence : waiting) SPARROW_CHECK(sequence->blocks().empty());
  }
  SPARROW_CHECK(running_count() <= limits_.max_sequences);
}

}  // namespace sparrow
