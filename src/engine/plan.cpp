#include "engine/plan.h"

#include <algorithm>

#include "base/error.h"
#include "base/memory_info.h"

namespace sparrow::engine {
namespace {

constexpr int64_t kSmallestContext = 512;  // less is no use to a talk
constexpr int64_t kMaxChunk = 1 << 16;
constexpr int64_t kMaxThreads = 1024;
constexpr int64_t kMaxSequences = 1024;
constexpr int64_t kShare = 2;  // the cache takes one part in so many of what is free
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
  if (options.max_sequences < 1 || options.max_sequences > kMaxSequences) {
    fail(ErrorCode::invalid_argument, "max_sequences must be in [1, {}], got {}", kMaxSequences,
         options.max_sequences);
  }
  if (options.kv_cache_bytes < 0) {
    fail(ErrorCode::invalid_argument,
         "kv_cache_bytes must be a number of bytes, or 0 for a share of what is free, got {}",
         options.kv_cache_bytes);
  }
}

int64_t block_count(int64_t context_length) {
  return (context_length + kBlockTokens - 1) / kBlockTokens;
}

}  // namespace

WorkspaceLimits workspace_limits(const EnginePlan& plan, const EngineOptions& options) {
  const int64_t rows = std::min(options.prefill_chunk, plan.context_length) + options.max_sequences;
  return {.max_rows = rows,
          .max_logit_rows = options.max_sequences + kMaxScores,
          .max_hidden_rows = rows,
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
  plan.workspace_bytes = workspace;
  const int64_t beside = input.weight_bytes + workspace + kSpare;
  const int64_t room = std::max<int64_t>(0, input.available_bytes - beside);
  const int64_t budget = options.kv_cache_bytes > 0 ? options.kv_cache_bytes : room;
  if (budget > room) {
    fail(ErrorCode::out_of_memory,
         "a KV cache of {} was asked for beside {} for the weights and {} to work in, but {} of "
         "memory is available; {} would fit",
         format_bytes(budget), format_bytes(input.weight_bytes), format_bytes(workspace + kSpare),
         format_bytes(input.available_bytes), format_bytes(room));
  }
  const int64_t fitting = budget / block_bytes * kBlockTokens;

  if (fitting < wanted) {
    const bool is_fixed = is_chosen || !options.may_reduce_context;
    const int64_t least = is_fixed ? wanted : std::min(wanted, kSmallestContext);
    if (fitting < least) {
      const std::string hint = fitting >= std::min(wanted, kSmallestContext)
                                   ? fmt::format("; a context of {} would fit", fitting)
                                   : std::string();
      const std::string limit =
          budget < room ? fmt::format("{} was allowed for it", format_bytes(budget))
                        : format_bytes(input.available_bytes) + " of memory is available";
      fail(ErrorCode::out_of_memory,
           "a context of {} tokens needs {} for its KV cache ({}) beside {} for the weights and {} "
           "to work in, but {}{}",
           least, format_bytes(block_count(least) * block_bytes), to_string(options.kv_type),
           format_bytes(input.weight_bytes), format_bytes(workspace + kSpare), limit, hint);
    }
    plan.context_length = fitting;
    plan.is_reduced = true;
  }
  const int64_t one = block_count(plan.context_length);
  const int64_t blocks = options.kv_cache_bytes > 0 ? budget / block_bytes
                                                    : std::clamp(room / kShare / block_bytes, one,
                                                                 one * options.max_sequences);
  plan.kv_tokens = blocks * kBlockTokens;
  plan.kv_bytes = blocks * block_bytes;
  return plan;
}

}  // namespace sparrow::engine
