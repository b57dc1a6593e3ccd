#include "model/rope.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "base/error.h"

namespace sparrow {
namespace {

double original_context(const ModelConfig& config) {
  return static_cast<double>(config.rope_scaling.original_context_length);
}

// YaRN (Peng et al. 2023): channels that turn often keep their frequency, slow ones are stretched,
// between them a ramp. The channel that makes `turns` turns within the original context:
double channel_of_turns(const ModelConfig& config, double turns) {
  return static_cast<double>(config.rope_size) *
         std::log(original_context(config) / (turns * 2 * std::numbers::pi)) /
         (2 * std::log(static_cast<double>(config.rope_base)));
}

double yarn_frequency(const ModelConfig& config, double frequency, double channel) {
  const RopeScaling& scaling = config.rope_scaling;
  const double low = std::max(std::floor(channel_of_turns(config, scaling.beta_fast)), 0.0);
  double high = std::min(std::ceil(channel_of_turns(config, scaling.beta_slow)),
                         static_cast<double>(config.rope_size - 1));
  if (low == high) high += 0.001;
  const double ramp = std::clamp((channel - low) / (high - low), 0.0, 1.0);
  return frequency / scaling.factor * ramp + frequency * (1 - ramp);
}

// By how often a channel turns within the original context: stays, is stretched, or between.
double llama3_frequency(const ModelConfig& config, double frequency) {
  const RopeScaling& scaling = config.rope_scaling;
  const double turns = original_context(config) * frequency / (2 * std::numbers::pi);
  const double share = std::clamp(
      (turns - scaling.low_freq_factor) / (scaling.high_freq_factor - scaling.low_freq_factor), 0.0,
      1.0);
  return frequency * share + frequency / scaling.factor * (1 - share);
}

}  // namespace

RopeParameters rope_parameters(RopeStyle style, const ModelConfig& config, const Rope& rope) {
  return {style, config.head_size, rope.frequencies, rope.magnitude};
}

double yarn_attention_factor(double factor) { return factor > 1 ? 0.1 * std::log(factor) + 1 : 1; }

Rope make_rope(const ModelConfig& config, std::span<const float> divisors) {
  const int64_t pairs = config.rope_size / 2;
  SPARROW_CHECK(divisors.empty() || static_cast<int64_t>(divisors.size()) == pairs);
  const RopeScaling& scaling = config.rope_scaling;
  Rope rope;
  if (scaling.type == RopeScalingType::yarn)
    rope.magnitude = static_cast<float>(scaling.attention_factor);
  for (int64_t i = 0; i < pairs; ++i) {
    const double exponent = 2.0 * static_cast<double>(i) / static_cast<double>(config.rope_size);
    double frequency = 1.0 / std::pow(static_cast<double>(config.rope_base), exponent);
    switch (scaling.type) {
      case RopeScalingType::none:
        break;
      case RopeScalingType::linear:
        frequency /= scaling.factor;
        break;
      case RopeScalingType::yarn:
        frequency = yarn_frequency(config, frequency, static_cast<double>(i));
        break;
      case RopeScalingType::llama3:
        frequency = divisors.empty() ? llama3_frequency(config, frequency)
                                     : frequency / divisors[static_cast<size_t>(i)];
        break;
    }
    rope.frequencies.push_back(static_cast<float>(frequency));
  }
  return rope;
}

}  // namespace sparrow
