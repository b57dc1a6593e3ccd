#include <algorithm>
#include <cmath>

#include "sampling/steps.h"

namespace sparrow {
namespace {

bool breaks(const DryBreakers& breakers, int32_t id) {
  return std::binary_search(breakers.tokens.begin(), breakers.tokens.end(), id);
}

// Orders sequences by their first id.
struct FirstIdLess {
  bool operator()(const std::vector<int32_t>& a, int32_t b) const { return a.front() < b; }
  bool operator()(int32_t a, const std::vector<int32_t>& b) const { return a < b.front(); }
};

// The longest breaker sequence that `tokens` begins with; 0 if none.
size_t sequence_size(const DryBreakers& breakers, std::span<const int32_t> tokens) {
  const auto [begin, end] = std::equal_range(breakers.sequences.begin(), breakers.sequences.end(),
                                             tokens.front(), FirstIdLess{});
  size_t longest = 0;
  for (auto it = begin; it != end; ++it) {
    if (it->size() <= tokens.size() && std::equal(it->begin(), it->end(), tokens.begin()))
      longest = std::max(longest, it->size());
  }
  return longest;
}

// How many of the last tokens stand after the last breaker.
size_t unbroken_count(const DryBreakers& breakers, std::span<const int32_t> tokens) {
  for (size_t count = 0; count < tokens.size(); ++count) {
    const size_t at = tokens.size() - 1 - count;
    if (breaks(breakers, tokens[at])) return count;
    const size_t size = sequence_size(breakers, tokens.subspan(at));
    if (size > 0) return count + 1 - size;
  }
  return tokens.size();
}

// sizes[k]: how many tokens before the end, going back, equal those before position size - k: the
// Z function (Gusfield 1997, chapter 1) of the reversed tokens. Linear.
void match_backwards(std::span<const int32_t> tokens, std::vector<int32_t>& sizes) {
  const size_t count = tokens.size();
  const auto back = [&](size_t i) { return tokens[count - 1 - i]; };
  sizes.assign(count, 0);
  size_t box_begin = 0;
  size_t box_end = 0;  // back(box_begin .. box_end) repeats the last tokens
  for (size_t k = 1; k < count; ++k) {
    size_t size = 0;
    if (k < box_end) size = std::min(box_end - k, static_cast<size_t>(sizes[k - box_begin]));
    while (k + size < count && back(size) == back(k + size)) ++size;
    if (k + size > box_end) {
      box_begin = k;
      box_end = k + size;
    }
    sizes[k] = static_cast<int32_t>(size);
  }
}

}  // namespace

void apply_dry(const StepInput& step) {
  const SamplingParams& params = step.state.params;
  const DryBreakers& breakers = step.state.dry_breakers;
  StepScratch& scratch = step.scratch;
  const std::span<const int32_t> tokens = last_tokens(step.tokens, params.dry_window);
  const int64_t limit = static_cast<int64_t>(unbroken_count(breakers, tokens));
  if (limit < params.dry_allowed_length) return;
  match_backwards(tokens, scratch.match_sizes);

  scratch.touched.clear();
  for (size_t k = 1; k < tokens.size(); ++k) {
    const int64_t size = std::min<int64_t>(scratch.match_sizes[k], limit);
    if (size < params.dry_allowed_length) continue;
    const int32_t follower = tokens[tokens.size() - k];
    int32_t& longest = scratch.counts[static_cast<size_t>(follower)];
    if (longest == 0) scratch.touched.push_back(follower);
    longest = std::max(longest, static_cast<int32_t>(size));
  }
  const std::span<float> row = step.candidates.row();
  constexpr double kEnough = 1e30;  // as good as excluded, and finite whatever the power is
  for (const int32_t id : scratch.touched) {
    const double exponent =
        static_cast<double>(scratch.counts[static_cast<size_t>(id)] - params.dry_allowed_length);
    scratch.counts[static_cast<size_t>(id)] = 0;
    if (breaks(breakers, id)) continue;
    const double penalty = params.dry_multiplier * std::pow(params.dry_base, exponent);
    float& logit = row[static_cast<size_t>(id)];
    if (logit != kExcluded) logit = bounded(logit - static_cast<float>(std::min(penalty, kEnough)));
  }
}

}  // namespace sparrow
