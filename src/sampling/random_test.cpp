#include "sampling/random.h"

#include <gtest/gtest.h>

#include <set>

namespace sparrow {
namespace {

using Words = std::array<uint32_t, 4>;

// The known answers that come with the paper's own program (Random123, tests/kat_vectors).
TEST(Random, philox_gives_the_papers_known_answers) {
  EXPECT_EQ(philox4x32({0, 0, 0, 0}, {0, 0}),
            (Words{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  EXPECT_EQ(philox4x32({0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}, {0xffffffff, 0xffffffff}),
            (Words{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(philox4x32({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
            (Words{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(Random, numbers_differ_by_seed_position_and_use_and_lie_in_the_unit_interval) {
  std::set<double> seen;
  for (uint64_t seed = 0; seed < 20; ++seed) {
    for (uint64_t position = 0; position < 100; ++position) {
      for (const RandomUse use : {RandomUse::token, RandomUse::xtc}) {
        const double unit = random_unit(seed, position, use);
        EXPECT_GE(unit, 0);
        EXPECT_LT(unit, 1);
        EXPECT_TRUE(seen.insert(unit).second);
      }
    }
  }
}

}  // namespace
}  // namespace sparrow
