// The tokens that may still be chosen, with their logits. It starts as the whole row of logits,
// by id, and becomes a short list at the first filter: no step sorts the vocabulary.
#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <vector>

namespace sparrow {

struct Candidate {
  int32_t id = 0;
  float logit = 0;
};

// Higher logits first, of equals the lower id: a total order, so nothing depends on how it was
// sorted.
inline bool is_before(const Candidate& a, const Candidate& b) {
  return a.logit != b.logit ? a.logit > b.logit : a.id < b.id;
}

// A token with this logit cannot be chosen.
inline constexpr float kExcluded = -std::numeric_limits<float>::infinity();

// A logit after arithmetic: overflow must not make a choice impossible, or the only one.
inline float bounded(float logit) {
  constexpr float kLargest = std::numeric_limits<float>::max();
  return logit < -kLargest ? -kLargest : logit > kLargest ? kLargest : logit;
}

// Memory for one row at a time, reused; one thread.
class Candidates {
 public:
  explicit Candidates(int64_t vocabulary_size);

  // Starts over with a row, [vocabulary], that the steps edit in place. No NaN, no +inf.
  void reset(std::span<float> logits);

  // The row by id: only before the first filter.
  std::span<float> row();

  // Filters.
  void keep_best(int64_t count);  // at least 1
  void keep_from(float least_logit);
  void keep_first(int64_t count);  // of all(), as a step has arranged it

  // What is left, never an excluded token, in no order that means anything. A step may rearrange
  // it, or change logits without changing their order.
  std::span<Candidate> all();
  bool is_empty() { return all().empty(); }

  // The highest logit left; something must be left.
  float highest();

  // Calls visit(candidate) from the best on while it returns true, and sorts no further than it
  // gets. The visited stand first in all() afterwards, in order; returns how many they are.
  template <typename Visit>
  int64_t visit_best(const Visit& visit) {
    const int64_t size = static_cast<int64_t>(all().size());
    for (int64_t i = 0; i < size; ++i) {
      if (i == sorted_count_) sort_more();
      if (!visit(list_[static_cast<size_t>(i)])) return i + 1;
    }
    return size;
  }

  // The order of all() no longer has the best first.
  void forget_order() { sorted_count_ = 0; }

 private:
  void sort_more();

  std::span<float> row_;
  bool is_listed_ = false;  // the row has become the list
  std::vector<Candidate> list_;
  int64_t sorted_count_ = 0;  // the first ones of the list are the best, in order
  std::vector<Candidate> scratch_;
};

// The largest value; -inf for an empty row. No NaN.
float highest_logit(std::span<const float> logits);

// The id of the largest logit, of equals the lowest; -1 if all are excluded.
int32_t best_token(std::span<const float> logits);

}  // namespace sparrow
