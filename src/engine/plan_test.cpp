#include "engine/plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "sparrow/error.h"

namespace sparrow::engine {
namespace {

using testing::HasSubstr;

constexpr int64_t kGiB = int64_t{1} << 30;

// Qwen3-4B: 147,456 bytes of f16 keys and values a token, 2.50 GB of Q4_K_M weights.
PlanInput qwen3_4b(int64_t available_bytes) {
  PlanInput input;
  input.config = {.architecture = "qwen3",
                  .layer_count = 36,
                  .hidden_size = 2560,
                  .head_count = 32,
                  .kv_head_count = 8,
                  .head_size = 128,
                  .ffn_size = 9728,
                  .vocabulary_size = 151936,
                  .context_length = 262144,
                  .rope_size = 128};
  input.weight_bytes = 2497281120;
  input.available_bytes = available_bytes;
  return input;
}

std::string refusal(const PlanInput& input, const EngineOptions& options, ErrorCode code) {
  try {
    plan_engine(input, options);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), code);
    return error.what();
  }
  return "planned";
}

TEST(Plan, the_default_context_is_32768_where_memory_holds_it) {
  const EnginePlan plan = plan_engine(qwen3_4b(16 * kGiB), {.max_sequences = 1});
  EXPECT_EQ(plan.context_length, 32768);
  EXPECT_EQ(plan.model_context_length, 262144);
  EXPECT_EQ(plan.kv_tokens, 32768);
  EXPECT_EQ(plan.kv_bytes, int64_t{32768} * 147456);
  EXPECT_EQ(plan.weight_bytes, 2497281120);
  EXPECT_EQ(plan.available_bytes, 16 * kGiB);
  EXPECT_FALSE(plan.is_reduced);
  EXPECT_EQ(plan_engine(qwen3_4b(std::numeric_limits<int64_t>::max()), {}).context_length, 32768);
  PlanInput small = qwen3_4b(16 * kGiB);
  small.config.context_length = 2000;
  EXPECT_EQ(plan_engine(small, {}).context_length, 2000);
}

TEST(Plan, less_memory_means_less_context_and_the_plan_says_so) {
  const EnginePlan plan = plan_engine(qwen3_4b(4 * kGiB), {});
  EXPECT_TRUE(plan.is_reduced);
  EXPECT_GT(plan.context_length, 8192);
  EXPECT_LT(plan.context_length, 16384);
  EXPECT_EQ(plan.context_length % kBlockTokens, 0);
  EXPECT_LT(plan.kv_bytes + plan.weight_bytes, 4 * kGiB);
  const EngineOptions wider = {.kv_type = KvType::f32};
  const EnginePlan f32 = plan_engine(qwen3_4b(4 * kGiB), wider);
  EXPECT_NEAR(f32.context_length, plan.context_length / 2, kBlockTokens);
}

TEST(Plan, a_context_that_may_not_be_less_is_refused_where_memory_does_not_hold_it) {
  EXPECT_THAT(refusal(qwen3_4b(4 * kGiB), {.may_reduce_context = false}, ErrorCode::out_of_memory),
              HasSubstr("a context of 32768 tokens needs 4.50 GiB for its KV cache"));
  EXPECT_EQ(plan_engine(qwen3_4b(16 * kGiB), {.may_reduce_context = false}).context_length, 32768);
}

TEST(Plan, what_was_asked_for_is_given_or_refused_with_the_numbers) {
  EXPECT_EQ(plan_engine(qwen3_4b(64 * kGiB), {.context_length = 262144}).context_length, 262144);
  EXPECT_EQ(plan_engine(qwen3_4b(4 * kGiB), {.context_length = 100}).context_length, 100);
  const std::string message =
      refusal(qwen3_4b(16 * kGiB), {.context_length = 262144}, ErrorCode::out_of_memory);
  EXPECT_THAT(message,
              HasSubstr("a context of 262144 tokens needs 36.00 GiB for its KV cache (f16) "
                        "beside 2.33 GiB for the weights"));
  EXPECT_THAT(message, HasSubstr("but 16.00 GiB of memory is available; a context of "));
}

TEST(Plan, a_model_that_does_not_fit_at_all_is_refused) {
  const std::string message = refusal(qwen3_4b(2 * kGiB), {}, ErrorCode::out_of_memory);
  EXPECT_THAT(message, HasSubstr("2.33 GiB for the weights"));
  EXPECT_THAT(message, HasSubstr("but 2.00 GiB of memory is available"));
  EXPECT_THAT(message, testing::Not(HasSubstr("would fit")));
  refusal(qwen3_4b(0), {}, ErrorCode::out_of_memory);
}

TEST(Plan, the_cache_of_many_sequences_takes_half_of_what_is_free_and_one_context_at_least) {
  const EnginePlan plan = plan_engine(qwen3_4b(24 * kGiB), {});
  EXPECT_EQ(plan.context_length, 32768);
  EXPECT_NEAR(static_cast<double>(plan.kv_bytes), 0.5 * (24 - 2.33) * kGiB, 0.1 * kGiB);
  EXPECT_EQ(plan.kv_bytes, plan.kv_tokens * 147456);
  EXPECT_EQ(plan.kv_tokens % kBlockTokens, 0);
  EXPECT_EQ(plan_engine(qwen3_4b(8 * kGiB), {}).kv_tokens, 32768);
  EXPECT_EQ(plan_engine(qwen3_4b(24 * kGiB), {.context_length = 100, .max_sequences = 3}).kv_tokens,
            3 * 128);
}

TEST(Plan, a_budget_for_the_cache_is_kept_or_refused_with_the_numbers) {
  EnginePlan plan = plan_engine(qwen3_4b(24 * kGiB), {.kv_cache_bytes = 2 * kGiB});
  EXPECT_LE(plan.kv_bytes, 2 * kGiB);
  EXPECT_GT(plan.kv_bytes, 2 * kGiB - (8 << 20));
  EXPECT_EQ(plan.context_length, plan.kv_tokens);
  EXPECT_TRUE(plan.is_reduced);
  plan = plan_engine(qwen3_4b(24 * kGiB), {.context_length = 1000, .kv_cache_bytes = 2 * kGiB});
  EXPECT_EQ(plan.context_length, 1000);
  EXPECT_THAT(refusal(qwen3_4b(24 * kGiB), {.context_length = 20000, .kv_cache_bytes = 2 * kGiB},
                      ErrorCode::out_of_memory),
              HasSubstr("but 2.00 GiB was allowed for it; a context of 14560 would fit"));
  EXPECT_THAT(refusal(qwen3_4b(4 * kGiB), {.kv_cache_bytes = 2 * kGiB}, ErrorCode::out_of_memory),
              HasSubstr("a KV cache of 2.00 GiB was asked for beside 2.33 GiB for the weights"));
}

TEST(Plan, options_outside_their_range_are_named) {
  const PlanInput input = qwen3_4b(16 * kGiB);
  constexpr ErrorCode kBad = ErrorCode::invalid_argument;
  EXPECT_EQ(refusal(input, {.context_length = 262145}, kBad),
            "the context must be 1 to 262144 tokens, the model's own length, got 262145");
  EXPECT_THAT(refusal(input, {.context_length = -1}, kBad), HasSubstr("got -1"));
  EXPECT_THAT(refusal(input, {.thread_count = -1}, kBad), HasSubstr("number of threads"));
  EXPECT_THAT(refusal(input, {.prefill_chunk = 0}, kBad), HasSubstr("prefill_chunk"));
  EXPECT_EQ(refusal(input, {.max_sequences = 0}, kBad),
            "max_sequences must be in [1, 1024], got 0");
  EXPECT_THAT(refusal(input, {.kv_cache_bytes = -5}, kBad), HasSubstr("kv_cache_bytes"));
}

}  // namespace
}  // namespace sparrow::engine
