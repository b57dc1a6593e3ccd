#include "sampling/logprobs.h"

#include <algorithm>
#include <cmath>

#include "sampling/candidates.h"
#include "sampling/exp.h"

namespace sparrow {

double log_sum_exp(std::span<const float> logits) {
  const float highest = highest_logit(logits);
  if (highest == kExcluded) return -std::numeric_limits<double>::infinity();
  const double total = sum_of_exp(logits, highest, [](float logit) { return logit; });
  return static_cast<double>(highest) + std::log(total);
}

void top_logprobs(std::span<const float> logits, double log_total, int64_t count,
                  std::vector<TokenLogprob>& out) {
  out.clear();
  const auto is_better = [](const TokenLogprob& a, const TokenLogprob& b) {
    return a.logprob != b.logprob ? a.logprob > b.logprob : a.id < b.id;
  };
  // `out` holds logits until the end, worst first to leave: a heap of at most `count` (20).
  for (size_t id = 0; id < logits.size(); ++id) {
    const TokenLogprob candidate = {static_cast<int32_t>(id), logits[id]};
    if (static_cast<int64_t>(out.size()) == count) {
      if (count == 0 || !is_better(candidate, out.front())) continue;
      std::pop_heap(out.begin(), out.end(), is_better);
      out.back() = candidate;
    } else {
      out.push_back(candidate);
    }
    std::push_heap(out.begin(), out.end(), is_better);
  }
  std::sort_heap(out.begin(), out.end(), is_better);
  for (TokenLogprob& entry : out) entry.logprob = logprob_of(entry.logprob, log_total);
}

int64_t rank_of(std::span<const float> logits, int32_t id) {
  const float logit = logits[static_cast<size_t>(id)];
  return std::ranges::count_if(logits, [&](float other) { return other >= logit; });
}

}  // namespace sparrow
