// Who runs in the next step, and with how many tokens.
//
// Running sequences are ranked: interactive ones before those of batches, and of a class the older
// before the younger. All that decode go first; what is left of a step's rows reads prompts. Blocks
// are taken as tokens need them. When none is left, the sequence of the lowest rank gives its own
// back and waits to be computed anew, so the first always comes to its end, and nobody fails for
// memory. Positions that others have computed, or are about to, are not computed again.
// Used by the engine's thread alone.
#pragma once

#include <array>
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
  int64_t max_scores = 1;     // rows of prompts whose logits are wanted
};

// Whose logits, or final hidden state, one of the batch's rows gives.
struct OutputRow {
  Sequence* sequence = nullptr;
  int64_t position = 0;
};

// The content of one block to be copied to another before a batch is computed.
struct BlockCopy {
  BlockId from = 0;
  BlockId to = 0;
};

class Scheduler {
 public:
  // Every sequence must fit the pool by itself.
  Scheduler(BlockPool& pool, const SchedulerLimits& limits);

  void admit(std::vector<std::unique_ptr<Sequence>> sequences);

  // Starts who can be started and fills the next batch, in which at most `prompt_rows` rows read
  // prompts. Valid until the next call; empty if nobody runs.
  const Batch& next_batch(int64_t prompt_rows);
  std::span<const BlockCopy> copies() const { return copies_; }

  // In the order of Batch::logit_rows.
  std::span<const OutputRow> logit_rows() const { return logit_owners_; }
  // The same of Batch::hidden_rows.
  std::span<const OutputRow> hidden_rows() const { return hidden_owners_; }
  // Of the last batch.
  int64_t prompt_row_count() const { return prompt_row_count_; }
  int64_t decode_row_count() const {
    return static_cast<int64_t>(batch_.ids.size()) - prompt_row_count_;
  }

  // The batch was computed: its positions count as done.
  void commit();

  // Ends those whose caller has cancelled, waiting ones too.
  void cancel_marked();
  void cancel_all();
  void finish_all_with(const Error& error);
  // Lets go of the finished: they hold no blocks and count nowhere any more. What they have not
  // delivered yet comes with the next deliver().
  void release_finished();
  // PrefixCache::reset().
  bool reset_cache() { return cache_.reset(); }
  // Delivers what is new to every stream.
  void deliver();

  int64_t waiting_count() const;
  int64_t running_count() const { return static_cast<int64_t>(running_.size()); }
  bool is_decoding() const;  // somebody has read its prompt
  int64_t preemption_count() const { return preemption_count_; }

  void check() const;  // Verifies the invariants; aborts on a bug.

 private:
  using Waiting = std::deque<std::unique_ptr<Sequence>>;
  // A running sequence's rows in the next batch.
  struct Due {
    Sequence* sequence = nullptr;
    int64_t count = 0;
  };

  // Blocks behind those of a sequence that the cache knows for it.
  struct Known {
    size_t count = 0;
    int64_t idle_count = 0;  // of them, that nobody uses
  };
  // [begin, begin + count) of a sequence.
  struct Positions {
    int64_t begin = 0;
    int64_t count = 0;
  };

  Waiting& waiting_of(Priority priority) { return waiting_[static_cast<size_t>(priority)]; }
  void start_waiting();
  void tell_positions();
  Known known_of(const Sequence& sequence) const;
  int64_t missing_count(const Sequence& sequence, size_t rank) const;
  bool can_start(Sequence& sequence);
  void start(std::unique_ptr<Sequence> sequence);
  void preempt_last();

  void share_out_rows(int64_t prompt_rows);
  Positions wanted_of(const Sequence& sequence) const;
  int64_t shared_count(const Sequence& sequence, const Positions& wanted,
                       const Sequence& other) const;
  void adopt_blocks(Sequence& sequence);
  void adopt_beginning(Sequence& sequence);
  bool waits_for_another(size_t rank) const;
  void find_blocks();
  void add_rows(Sequence& sequence, int64_t count);

  const PrefixKey& key_before(const Sequence& sequence, int64_t block) const;
  std::span<const TokenId> tokens_of(const Sequence& sequence, const Positions& positions) const;
  std::span<const TokenId> tokens_in(const Sequence& sequence, int64_t block) const;
  void extend_keys(Sequence& sequence);
  void keep_full_blocks(Sequence& sequence);
  void give_back_blocks(Sequence& sequence);
  void release_copied();

  BlockPool& pool_;
  PrefixCache cache_;
  SchedulerLimits limits_;
  std::array<Waiting, 2> waiting_;                   // [priority], in the order they came
  std::vector<std::unique_ptr<Sequence>> running_;   // by rank
  std::vector<std::unique_ptr<Sequence>> finished_;  // to be delivered for the last time
  int64_t preemption_count_ = 0;

  // The batch and what its views point at.
  Batch batch_;
  std::vector<int32_t> ids_;
  std::vector<int32_t> positions_;
  std::vector<BatchSequence> parts_;
  std::vector<int64_t> logit_rows_;
  std::vector<Due> due_;         // by rank
  std::vector<size_t> reading_;  // of due_, those that read prompts
  std::vector<OutputRow> logit_owners_;
  std::vector<int64_t> hidden_rows_;
  std::vector<OutputRow> hidden_owners_;
  std::vector<SequenceAdapter> adapters_;  // [part]
  std::vector<const Rope*> ropes_;         // [part]
  std::vector<BlockCopy> copies_;          // each has a share in the block it is made from
  int64_t prompt_row_count_ = 0;
};

}  // namespace sparrow
