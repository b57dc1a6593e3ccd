#include "sampling/exp.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

namespace sparrow {
namespace {

TEST(Exp, is_that_of_the_mathematics_library_to_a_few_last_bits) {
  double worst = 0;
  for (int i = 0; i <= 1000000; ++i) {
    const float x = -87.3f * static_cast<float>(i) / 1000000;
    const double expected = std::exp(static_cast<double>(x));
    worst =
        std::max(worst, std::abs(static_cast<double>(exp_of_negative(x)) - expected) / expected);
  }
  EXPECT_LT(worst, 2e-7);
  EXPECT_EQ(exp_of_negative(0), 1.0f);
  EXPECT_EQ(exp_of_negative(-0.0f), 1.0f);
  EXPECT_EQ(exp_of_negative(-1e30f), 0.0f);
  EXPECT_EQ(exp_of_negative(-std::numeric_limits<float>::infinity()), 0.0f);
  EXPECT_EQ(exp_of_negative(-std::numeric_limits<float>::denorm_min()), 1.0f);
}

TEST(Exp, sums_cover_every_item_once) {
  for (const size_t size : {0u, 1u, 7u, 8u, 9u, 100u}) {
    const std::vector<float> logits(size, 3.0f);
    EXPECT_EQ(sum_of_exp(std::span(logits), 3.0f, [](float logit) { return logit; }),
              static_cast<double>(size));
  }
}

}  // namespace
}  // namespace sparrow
