// The order of the steps, as a table: documentation and code read the same rows.
#pragma once

#include <span>
#include <string_view>

#include "sampling/steps.h"

namespace sparrow {

struct ChainStep {
  std::string_view name;
  bool (*is_on)(const SamplingParams& params);
  void (*apply)(const StepInput& step);
  // The best candidate stays the best: a greedy choice need not wait for this step.
  bool keeps_best;
  std::string_view doc;     // what it does, with the formula
  std::string_view source;  // paper or pull request
};

// llama.cpp's default order (common/common.h, common_params_sampling::samplers, October 2026);
// logit_bias first and the draw last, as in its common_sampler_init.
std::span<const ChainStep> sampling_chain();

// Applies every step that is on; afterwards draw_token() draws.
void run_chain(const StepInput& step);

}  // namespace sparrow
