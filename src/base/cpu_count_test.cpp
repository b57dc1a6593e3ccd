#include "base/cpu_count.h"

#include <gtest/gtest.h>

#include "base/cpu_features.h"

namespace sparrow {
namespace {

TEST(CpuCount, reads_a_cgroup_quota_and_ignores_max_and_nonsense) {
  EXPECT_EQ(parse_cpu_max("200000 100000"), 2.0);
  EXPECT_EQ(parse_cpu_max("50000 100000"), 0.5);
  EXPECT_EQ(parse_cpu_max("max 100000"), std::nullopt);
  EXPECT_EQ(parse_cpu_max(""), std::nullopt);
  EXPECT_EQ(parse_cpu_max("100000"), std::nullopt);
  EXPECT_EQ(parse_cpu_max("100000 0"), std::nullopt);
  EXPECT_EQ(parse_cpu_max("1x 100000"), std::nullopt);
}

TEST(CpuCount, a_quota_lowers_the_count_but_never_below_one) {
  EXPECT_EQ(limit_cores(8, std::nullopt), 8);
  EXPECT_EQ(limit_cores(8, 2.0), 2);
  EXPECT_EQ(limit_cores(8, 2.5), 3);
  EXPECT_EQ(limit_cores(8, 0.2), 1);
  EXPECT_EQ(limit_cores(2, 16.0), 2);
  EXPECT_EQ(limit_cores(0, std::nullopt), 1);
}

TEST(CpuCount, this_machine_has_at_least_one_core) { EXPECT_GE(usable_core_count(), 1); }

TEST(CpuFeatures, sets_that_build_on_others_come_with_them) {
  const CpuFeatures features = detect_cpu_features();
  if (features.avx512_vnni || features.avx512_bf16 || features.avx512bw) {
    EXPECT_TRUE(features.avx512f);
  }
  if (features.avx512f) {
    EXPECT_TRUE(features.avx2);
  }
  if (features.amx_int8 || features.amx_bf16) {
    EXPECT_TRUE(features.amx_tile);
  }
}

TEST(CpuFeatures, names_what_is_present) {
  EXPECT_EQ(to_string(CpuFeatures{}), "none");
  CpuFeatures features;
  features.avx2 = true;
  features.amx_int8 = true;
  EXPECT_EQ(to_string(features), "avx2 amx_int8");
}

}  // namespace
}  // namespace sparrow
