#include "engine/plan.h"

#include <algorithm>

#include "base/error.h"
#include "base/memory_info.h"

namespace sparrow::engine {
namespace {

constexpr int64_t kSmallestContext = 512;  // less is no use to a talk
constexpr int64_t kMaxChunk = 1 << 16;
constexpr int64_t kMaxThreads = 1024;
constexpr int64_t kSpare = int64_t{64} << 20;  // for vocabulary, requests and what else stirs

void check(const EngineOptions& options, int64_t model_context) {
  if (options.context_length < 0 || options.context_length > model_context) {
    fail(ErrorCode::invalid_argument,
         "the context must be 1 to {} tokens, the model's own length, got {}", model_context,
         options.context_length);
  }
  if (options.prefill_chunk < 1 || options.prefill_chunk > kMaxChunk) {
    fail(ErrorCode::invalid_argument, "prefill_chunk must be in [1, {}], got {}", kMaxChunk,
         options.prefill_chunk);
  }
  if (options.thread_count < 0 || options.thread_count > kMaxThreads) {
    fail(ErrorCode::invalid_argument, "the number of threads must be in [0, {}], got {}",
         kMaxThreads, options.thread_count);
  }
}

int64_t block_count(int64_t context_length) {
  return (context_length + kBlockTokens - 1) / kBlockTokens;
}

}  // namespace

WorkspaceLimits workspace_limits(const EnginePlan& plan, const EngineOptions& options) {
  return {.max_rows = std::min(options.prefill_chunk, plan.context_length) + kMaxSequences,
          .max_logit_rows = kMaxSequences,
          .max_positions = plan.context_length};
}

EnginePlan plan_engine(const PlanInput& input, const EngineOptions& options) {
  const int64_t model_context = input.config.context_length;
  check(options, model_context);
  const int64_t block_bytes = kBlockTokens * kv_bytes_per_token(input.config, options.kv_type);
  EnginePlan plan = {.model_context_length = model_context,
                     .weight_bytes = input.weight_bytes,
                     .available_bytes = input.available_bytes};

  const bool is_chosen = options.context_length > 0;
  const int64_t wanted =
      is_chosen ? options.context_length : std::min(model_context, kDefaultContext);
  plan.context_length = wanted;
  const int64_t workspace = workspace_bytes(input.config, workspace_limits(plan, options));
  const int64_t beside = input.weight_bytes + workspace + kSpare;
  const int64_t room = std::max<int64_t>(0, input.available_bytes - beside);
  const int64_t fitting = room / block_bytes * kBlockTokens;

  if (fitting < wanted) {
    const int64_t least = is_chosen ? wanted : std::min(wanted, kSmallestContext);
    if (fitting < least) {
      const std::string hint = fitting >= std::min(wanted, kSmallestContext)
                                   ? fmt::format("; a context of {} would fit", fitting)
                                   : std::string();
      fail(ErrorCode::out_of_memory,
           "a context of {} tokens needs {} for its KV cache ({}) beside {} for the weights and {} "
           "to work in, but {} of memory is available{}",
           least, format_bytes(block_count(least) * block_bytes), to_string(options.kv_type),
           format_bytes(input.weight_bytes), format_bytes(workspace + kSpare),
           format_bytes(input.available_bytes), hint);
    }
    plan.context_length = fitting;
    plan.is_reduced = true;
  }
  plan.kv_bytes = block_count(plan.context_length) * block_bytes;
  return plan;
}

}  // namespace sparrow::engine
