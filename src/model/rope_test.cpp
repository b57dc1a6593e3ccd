#include "model/rope.h"

#include <gtest/gtest.h>

#include <cmath>

namespace sparrow {
namespace {

ModelConfig qwen3_config() {
  ModelConfig config;
  config.rope_base = 5e6f;
  config.rope_size = 128;
  return config;
}

TEST(RopeFrequencies, without_scaling_are_powers_of_the_base) {
  const std::vector<float> f = make_rope(qwen3_config(), {}).frequencies;
  ASSERT_EQ(f.size(), 64u);
  EXPECT_EQ(f[0], 1.0f);
  EXPECT_FLOAT_EQ(f[32], static_cast<float>(1 / std::sqrt(5e6)));
}

TEST(RopeFrequencies, linear_scaling_divides_all) {
  ModelConfig config = qwen3_config();
  const std::vector<float> plain = make_rope(config, {}).frequencies;
  config.rope_scaling = {.type = RopeScalingType::linear, .factor = 4};
  const std::vector<float> f = make_rope(config, {}).frequencies;
  for (size_t i = 0; i < f.size(); ++i) EXPECT_FLOAT_EQ(f[i], plain[i] / 4);
}

TEST(RopeFrequencies, llama3_divides_each_by_the_files_number) {
  ModelConfig config = qwen3_config();
  const std::vector<float> plain = make_rope(config, {}).frequencies;
  config.rope_scaling.type = RopeScalingType::llama3;
  std::vector<float> divisors(64, 1.0f);
  divisors[63] = 8;
  const std::vector<float> f = make_rope(config, divisors).frequencies;
  EXPECT_EQ(f[10], plain[10]);
  EXPECT_FLOAT_EQ(f[63], plain[63] / 8);
}

// For this base, size and original context the ramp runs from channel 29 to 45.
TEST(RopeFrequencies, yarn_keeps_fast_channels_and_stretches_slow_ones) {
  ModelConfig config = qwen3_config();
  const std::vector<float> plain = make_rope(config, {}).frequencies;
  config.rope_scaling = {
      .type = RopeScalingType::yarn, .factor = 4, .original_context_length = 262144};
  const std::vector<float> f = make_rope(config, {}).frequencies;
  for (size_t i = 0; i <= 29; ++i) EXPECT_EQ(f[i], plain[i]) << i;
  EXPECT_LT(f[30], plain[30]);
  EXPECT_FLOAT_EQ(f[37], plain[37] * (0.5f + 0.5f / 4));
  EXPECT_GT(f[44], plain[44] / 4);
  for (size_t i = 45; i < 64; ++i) EXPECT_FLOAT_EQ(f[i], plain[i] / 4) << i;
}

}  // namespace
}  // namespace sparrow
