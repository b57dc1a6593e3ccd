// How much context fits: decided from sizes alone, before any memory is taken.
#pragma once

#include "engine/engine.h"

namespace sparrow::engine {

inline constexpr int64_t kBlockTokens = 32;  // a multiple of the attention kernels' key tile
inline constexpr int64_t kMaxScores = 32;    // rows of prompts a step gives the logits of
inline constexpr int64_t kDefaultContext = 32768;

// What is known before loading.
struct PlanInput {
  ModelConfig config;
  int64_t weight_bytes = 0;
  int64_t available_bytes = 0;
};

// Throws Error{invalid_argument} for options outside their range, and Error{out_of_memory} with the
// numbers when what was asked for, or even the smallest context, does not fit.
EnginePlan plan_engine(const PlanInput& input, const EngineOptions& options);

// The scratch memory of a step under this plan.
WorkspaceLimits workspace_limits(const EnginePlan& plan, const EngineOptions& options);

}  // namespace sparrow::engine
