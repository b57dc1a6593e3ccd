// Who runs in the next step, and with how many tokens. In its smallest form: requests start in the
// order they came, as soon as the blocks for their longest possible answer are free, and then run
// to their end; decoding goes first, what is left of a step's rows reads prompts.
// Used by the engine's thread alone.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <vector>

#include "engine/block_pool.h"
#include "engine/prefix_cache.h"
#include "engine/sequence.h"
#include "model/batch.h"

namespace sparrow {

struct SchedulerLimits {
  int64_t max_sequences = 1;  // running at once
  int64_t max_rows = 1;       // of a step's batch, at least max_sequences
};

class Scheduler {
 public:
  Scheduler(BlockPool& pool, const SchedulerLimits& limits);

  void admit(std::vector<std::unique_ptr<Sequence>> sequences);

  // Starts who can be started and fills the next batch, in which at most `prompt_rows` rows read
  // prompts. Valid until the next call; empty if nobody runs.
  const Batch& next_batch(int64_t prompt_rows);

  // Whose next token each of the batch's logit rows gives, in the order of Batch::logit_rows.
  std::span<Sequence* const> rows_to_sample() const { return to_sample_; }
  // Of the last batch.
  int64_t prompt_row_count() const { return prompt_row_count_; }

  // The batch was computed: its positions count as done.
  void commit();

  // Ends those whose caller has cancelled, waiting ones too.
  void cancel_marked();
  // Delivers what is new to every stream, and lets go of the finished.
  void deliver();
  void cancel_all();
  void finish_all_with(const Error& error);

  int64_t waiting_count() const { return static_cast<int64_t>(waiting_.size()); }
  int64_t running_count() const { return static_cast<int64_t>(running_.size()); }
  int64_t cached_block_count() const { return cache_.block_count(); }

  void check() const;  // Verifies the invariants; aborts on a bug.

 private:
  void start_waiting();
  bool start(Sequence& sequence);
  void add_rows(Sequence& sequence, int64_t count);
  void retire(Sequence& sequence);

  BlockPool& pool_;
  PrefixCache cache_;
  SchedulerLimits limits_;
  std::deque<std::unique_ptr<Sequence>> waiting_;
  std::vector<std::unique_ptr<Sequence>> running_;  // in the order they started

  // The batch and what its views point at.
  Batch batch_;
  std::vector<int32_t> ids_;
  std::vector<int32_t> positions_;
  std::vector<BatchSequence> parts_;
  std::vector<int64_t> logit_rows_;
  std::vector<Sequence*> part_owners_;  // of parts_
  std::vector<Sequence*> to_sample_;
  int64_t prompt_row_count_ = 0;
};

}  // namespace sparrow
