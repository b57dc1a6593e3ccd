#include <algorithm>
#include <cmath>

#include "sampling/steps.h"

namespace sparrow {
namespace {

constexpr double kLn2 = 0.69314718055994530942;

// The exponent of the Zipf law that fits the best candidates.
double zipf_exponent(Candidates& candidates) {
  constexpr int64_t kUsed = 100;
  double above = 0;
  double below = 0;
  int64_t rank = 0;
  float previous = 0;
  candidates.visit_best([&](const Candidate& candidate) {
    if (rank > 0 && std::isfinite(candidate.logit)) {
      const double t = std::log(static_cast<double>(rank + 1) / static_cast<double>(rank));
      above += t * (static_cast<double>(previous) - candidate.logit);
      below += t * t;
    }
    previous = candidate.logit;
    return ++rank <= kUsed;
  });
  return below > 0 ? above / below : 0;
}

// How many of the best keep the surprise at mu on average, if probabilities follow that law.
int64_t kept_count(double exponent, double mu, int64_t vocabulary_size) {
  const double n = static_cast<double>(vocabulary_size);
  const double e = exponent - 1;
  // The limit of e / (1 - n^-e) at 0 is 1 / ln n.
  const double scale = std::abs(e) < 1e-9 ? 1 / std::log(n) : e / (1 - std::pow(n, -e));
  const double k = std::pow(scale * std::exp2(mu), 1 / exponent);
  if (std::isnan(k) || k >= n) return vocabulary_size;  // a flat distribution: nothing to cut
  return std::max<int64_t>(0, std::llround(k)) + 1;
}

}  // namespace

void apply_mirostat(const StepInput& step) {
  Candidates& candidates = step.candidates;
  SamplingState& state = step.state;
  if (candidates.is_empty()) return;
  const float highest = candidates.highest();
  state.mirostat_log_total =
      static_cast<double>(highest) + std::log(total_weight(candidates.all(), highest));
  if (state.params.mirostat == 1) {
    const int64_t vocabulary_size = static_cast<int64_t>(step.scratch.counts.size());
    candidates.keep_best(kept_count(zipf_exponent(candidates), state.mirostat_mu, vocabulary_size));
    return;
  }
  const double least = state.mirostat_log_total - state.mirostat_mu * kLn2;
  candidates.keep_from(std::min(highest, static_cast<float>(least)));
}

void observe_mirostat(SamplingState& state, float logit) {
  const double surprise = (state.mirostat_log_total - static_cast<double>(logit)) / kLn2;
  state.mirostat_mu -= state.params.mirostat_eta * (surprise - state.params.mirostat_tau);
}

}  // namespace sparrow
