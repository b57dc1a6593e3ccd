#include <algorithm>
#include <cmath>

#include "sampling/steps.h"

namespace sparrow {
namespace {

using Score = StepScratch::Score;

// Brings the next best of the unsorted rest behind the `sorted` first ones.
void sort_more(std::vector<Score>& scores, size_t& sorted) {
  constexpr size_t kFirst = 64;
  const auto is_nearer = [](const Score& a, const Score& b) {
    return a.score != b.score ? a.score < b.score : a.id < b.id;
  };
  const auto rest = scores.begin() + static_cast<ptrdiff_t>(sorted);
  sorted = std::min(scores.size(), std::max(kFirst, 4 * sorted));
  const auto end = scores.begin() + static_cast<ptrdiff_t>(sorted);
  if (end != scores.end()) std::nth_element(rest, end - 1, scores.end(), is_nearer);
  std::sort(rest, end, is_nearer);
}

}  // namespace

void apply_typical_p(const StepInput& step) {
  const std::span<Candidate> all = step.candidates.all();
  if (all.empty()) return;
  const float highest = step.candidates.highest();
  const double log_total = std::log(total_weight(all, highest));
  std::vector<Score>& scores = step.scratch.scores;
  scores.clear();
  double entropy = 0;
  for (const Candidate& candidate : all) {
    const double surprise = log_total - (static_cast<double>(candidate.logit) - highest);
    const double p = std::exp(-surprise);
    entropy += p * surprise;
    scores.push_back({surprise, p, candidate.id, candidate.logit});
  }
  for (Score& score : scores) score.score = std::abs(score.score - entropy);
  size_t kept = 0;
  size_t sorted = 0;
  double sum = 0;
  while (kept < scores.size() && sum < step.state.params.typical_p) {
    if (kept == sorted) sort_more(scores, sorted);
    sum += scores[kept++].weight;
  }
  for (size_t i = 0; i < kept; ++i) all[i] = {scores[i].id, scores[i].logit};
  step.candidates.forget_order();
  step.candidates.keep_first(static_cast<int64_t>(kept));
}

}  // namespace sparrow
