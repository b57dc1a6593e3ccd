#include "model/rope.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "base/error.h"

namespace sparrow {
namespace {

// YaRN (Peng et al. 2023): channels that turn often keep their frequency, slow ones are stretched,
// between them a ramp. The channel that makes `turns` turns within the original context:
double channel_of_turns(const ModelConfig& config, double turns) {
  const double context = static_cast<double>(config.rope_original_context);
  return static_cast<double>(config.rope_size) *
         std::log(context / (turns * 2 * std::numbers::pi)) /
         (2 * std::log(static_cast<double>(config.rope_base)));
}

double yarn_frequency(const ModelConfig& config, double frequency, double channel) {
  const double low = std::max(std::floor(channel_of_turns(config, config.yarn_beta_fast)), 0.0);
  double high = std::min(std::ceil(channel_of_turns(config, config.yarn_beta_slow)),
                         static_cast<double>(config.rope_size - 1));
  if (low == high) high += 0.001;
  const double ramp = std::clamp((channel - low) / (high - low), 0.0, 1.0);
  return frequency / config.rope_scaling_factor * ramp + frequency * (1 - ramp);
}

}  // namespace

std::vector<float> rope_frequencies(const ModelConfig& config, std::span<const float> divisors) {
  const int64_t pairs = config.rope_size / 2;
  SPARROW_CHECK(divisors.empty() || static_cast<int64_t>(divisors.size()) == pairs);
  std::vector<float> frequencies;
  for (int64_t i = 0; i < pairs; ++i) {
    const double exponent = 2.0 * static_cast<double>(i) / static_cast<double>(config.rope_size);
    double frequency = 1.0 / std::pow(static_cast<double>(config.rope_base), exponent);
    switch (config.rope_scaling) {
      case RopeScaling::none:
        break;
      case RopeScaling::linear:
        frequency /= config.rope_scaling_factor;
        break;
      case RopeScaling::yarn:
        frequency = yarn_frequency(config, frequency, static_cast<double>(i));
        break;
      case RopeScaling::llama3:
        frequency /= divisors[static_cast<size_t>(i)];
        break;
    }
    frequencies.push_back(static_cast<float>(frequency));
  }
  return frequencies;
}

}  // namespace sparrow
