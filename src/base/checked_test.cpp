#include "base/checked.h"

#include <gtest/gtest.h>

namespace sparrow {
namespace {

TEST(Checked, sums_and_products_that_fit_are_exact) {
  EXPECT_EQ(checked_add(UINT64_MAX - 1, 1), UINT64_MAX);
  EXPECT_EQ(checked_mul(uint64_t{1} << 32, (uint64_t{1} << 32) - 1), UINT64_MAX - UINT32_MAX);
  EXPECT_EQ(checked_align_up(33, 32), 64u);
  EXPECT_EQ(checked_align_up(64, 32), 64u);
}

TEST(Checked, overflow_gives_nothing) {
  EXPECT_FALSE(checked_add(UINT64_MAX, 1));
  EXPECT_FALSE(checked_mul(uint64_t{1} << 32, uint64_t{1} << 32));
  EXPECT_FALSE(checked_align_up(UINT64_MAX - 15, 32));
}

}  // namespace
}  // namespace sparrow
