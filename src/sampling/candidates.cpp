#include "sampling/candidates.h"

#include <algorithm>
#include <cstddef>

#include "base/error.h"

namespace sparrow {
namespace {

constexpr size_t kLanes = 16;

// Whether any of kLanes values reaches `least`. A compiler makes a few vector instructions of it.
bool any_reaches(const float* values, float least) {
  int reached = 0;
  for (size_t lane = 0; lane < kLanes; ++lane) reached |= values[lane] > least ? 1 : 0;
  return reached != 0;
}

// Finds the `count` best of a stream in one pass: whoever is not better than the count-th best so
// far is passed over, which after a few thousand values is nearly everyone.
class BestOfStream {
 public:
  BestOfStream(std::vector<Candidate>& buffer, size_t count) : buffer_(buffer), count_(count) {
    buffer_.clear();
    capacity_ = 2 * count_ + 256;
  }

  // Values at or below this need not be offered (ids come in ascending order, so of equals the
  // earlier stays).
  float bar() const { return bar_; }

  void offer(Candidate candidate) {
    buffer_.push_back(candidate);
    if (buffer_.size() == capacity_) shrink();
  }

  // Leaves the best in the buffer, in no order.
  void finish() {
    if (buffer_.size() > count_) shrink();
  }

 private:
  void shrink() {
    const auto last = buffer_.begin() + static_cast<ptrdiff_t>(count_ - 1);
    std::nth_element(buffer_.begin(), last, buffer_.end(), is_before);
    bar_ = last->logit;
    buffer_.resize(count_);
  }

  std::vector<Candidate>& buffer_;
  size_t count_;
  size_t capacity_;
  float bar_ = kExcluded;
};

}  // namespace

float highest_logit(std::span<const float> logits) {
  float lanes[kLanes];
  std::fill(std::begin(lanes), std::end(lanes), kExcluded);
  size_t i = 0;
  for (; i + kLanes <= logits.size(); i += kLanes) {
    for (size_t lane = 0; lane < kLanes; ++lane)
      lanes[lane] = logits[i + lane] > lanes[lane] ? logits[i + lane] : lanes[lane];
  }
  float highest = kExcluded;
  for (; i < logits.size(); ++i) highest = std::max(highest, logits[i]);
  for (const float lane : lanes) highest = std::max(highest, lane);
  return highest;
}

int32_t best_token(std::span<const float> logits) {
  const float highest = highest_logit(logits);
  if (highest == kExcluded) return -1;
  return static_cast<int32_t>(std::find(logits.begin(), logits.end(), highest) - logits.begin());
}

Candidates::Candidates(int64_t vocabulary_size) {
  list_.reserve(static_cast<size_t>(vocabulary_size));
}

void Candidates::reset(std::span<float> logits) {
  row_ = logits;
  is_listed_ = false;
  list_.clear();
  sorted_count_ = 0;
}

std::span<float> Candidates::row() {
  SPARROW_CHECK(!is_listed_);
  return row_;
}

std::span<Candidate> Candidates::all() {
  if (!is_listed_) {
    is_listed_ = true;
    for (size_t id = 0; id < row_.size(); ++id)
      if (row_[id] != kExcluded) list_.push_back({static_cast<int32_t>(id), row_[id]});
  }
  return list_;
}

float Candidates::highest() {
  if (!is_listed_) return highest_logit(row_);
  if (sorted_count_ > 0) return list_.front().logit;
  float highest = kExcluded;
  for (const Candidate& candidate : list_) highest = std::max(highest, candidate.logit);
  return highest;
}

void Candidates::keep_best(int64_t count) {
  SPARROW_CHECK(count >= 1);
  if (is_listed_ || count > static_cast<int64_t>(row_.size()) / 4) {
    if (count >= static_cast<int64_t>(all().size())) return;
    if (count > sorted_count_) {
      std::nth_element(list_.begin() + static_cast<ptrdiff_t>(sorted_count_),
                       list_.begin() + static_cast<ptrdiff_t>(count - 1), list_.end(), is_before);
    }
    keep_first(count);
    return;
  }
  is_listed_ = true;
  BestOfStream best(list_, static_cast<size_t>(count));
  size_t id = 0;
  const auto offer = [&] {
    if (row_[id] > best.bar()) best.offer({static_cast<int32_t>(id), row_[id]});
    ++id;
  };
  while (id + kLanes <= row_.size()) {
    if (!any_reaches(row_.data() + id, best.bar())) {
      id += kLanes;
      continue;
    }
    for (size_t lane = 0; lane < kLanes; ++lane) offer();
  }
  while (id < row_.size()) offer();
  best.finish();
}

void Candidates::keep_from(float least_logit) {
  if (!is_listed_) {
    is_listed_ = true;
    for (size_t id = 0; id < row_.size(); ++id) {
      if (row_[id] >= least_logit && row_[id] != kExcluded)
        list_.push_back({static_cast<int32_t>(id), row_[id]});
    }
    return;
  }
  size_t kept = 0;
  int64_t kept_sorted = 0;
  for (size_t i = 0; i < list_.size(); ++i) {
    if (list_[i].logit < least_logit) continue;
    if (static_cast<int64_t>(i) < sorted_count_) ++kept_sorted;
    list_[kept++] = list_[i];
  }
  list_.resize(kept);
  sorted_count_ = kept_sorted;
}

void Candidates::keep_first(int64_t count) {
  all();
  list_.resize(std::min(list_.size(), static_cast<size_t>(count)));
  sorted_count_ = std::min(sorted_count_, count);
}

// Brings the next best to the front of the unsorted rest, three times as many as stand there.
void Candidates::sort_more() {
  constexpr int64_t kFirst = 64;
  const auto rest = list_.begin() + static_cast<ptrdiff_t>(sorted_count_);
  const int64_t rest_count = list_.end() - rest;
  const int64_t wanted = std::min(rest_count, std::max(kFirst, 3 * sorted_count_));
  const auto end = rest + static_cast<ptrdiff_t>(wanted);
  if (wanted < rest_count / 16) {
    // A pass with a bar is several times quicker than nth_element here; ids may be out of order,
    // so candidates equal to the bar are offered too and the total order decides.
    BestOfStream best(scratch_, static_cast<size_t>(wanted));
    for (auto it = rest; it != list_.end(); ++it)
      if (it->logit >= best.bar()) best.offer(*it);
    best.finish();
    const Candidate last = *std::max_element(scratch_.begin(), scratch_.end(), is_before);
    std::partition(rest, list_.end(),
                   [&](const Candidate& candidate) { return !is_before(last, candidate); });
  } else if (wanted < rest_count) {
    std::nth_element(rest, end - 1, list_.end(), is_before);
  }
  std::sort(rest, end, is_before);
  sorted_count_ += wanted;
}

}  // namespace sparrow
