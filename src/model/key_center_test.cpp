#include "model/key_center.h"

#include <gtest/gtest.h>

#include <vector>

namespace sparrow {
namespace {

using Floats = std::vector<float>;

TEST(KeyCenter, is_the_bias_of_channels_that_hardly_turn) {
  const Floats frequencies = {1.0f, 0.001f};
  const Floats bias = {1, 2, 3, 4, 5, 6, 7, 8};  // two heads of four channels
  const RopeParameters halves = {RopeStyle::halves, 4, frequencies, 1};
  EXPECT_EQ(key_center(bias, halves, 1000), (Floats{0, 2, 0, 4, 0, 6, 0, 8}));
  EXPECT_EQ(key_center(bias, halves, 1100), Floats(8, 0.0f));  // a sixth of a turn is 1,047 here
  const RopeParameters pairs = {RopeStyle::pairs, 4, frequencies, 1};
  EXPECT_EQ(key_center(bias, pairs, 1000), (Floats{0, 0, 3, 4, 0, 0, 7, 8}));
}

TEST(KeyCenter, takes_channels_that_do_not_turn_as_they_are_and_others_with_ropes_magnitude) {
  const Floats frequencies = {0.0001f};
  const RopeParameters rope = {RopeStyle::halves, 4, frequencies, 1.5f};
  EXPECT_EQ(key_center(Floats{2, 4, 6, 8}, rope, 100), (Floats{3, 6, 6, 8}));
}

}  // namespace
}  // namespace sparrow
