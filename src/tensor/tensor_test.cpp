#include "tensor/tensor.h"

#include <gtest/gtest.h>

namespace sparrow {
namespace {

TEST(Shape, prints_the_fastest_dimension_first) {
  EXPECT_EQ(to_string(Shape{{2560, 9728, 1, 1}, 2}), "[2560, 9728]");
  EXPECT_EQ(to_string(Shape{{7, 1, 1, 1}, 1}), "[7]");
}

TEST(Tensor, counts_rows_and_bytes_in_whole_blocks) {
  const std::array<std::byte, 36> bytes = {};
  const Tensor tensor{bytes.data(), find_format("q4_0"), Shape{{32, 2, 1, 1}, 2}};
  EXPECT_EQ(tensor.row_bytes(), 18);
  EXPECT_EQ(tensor.size_bytes(), 36);
  EXPECT_EQ(tensor.row(1), bytes.data() + 18);
}

TEST(Tensor, dequantizes_whole_or_by_row) {
  const std::array<float, 6> numbers = {1, 2, 3, 4, 5, 6};
  const Tensor tensor{reinterpret_cast<const std::byte*>(numbers.data()), find_format("f32"),
                      Shape{{3, 2, 1, 1}, 2}};
  EXPECT_EQ(dequantize(tensor), std::vector<float>(numbers.begin(), numbers.end()));
  std::array<float, 3> row = {};
  dequantize_row(tensor, 1, row.data());
  EXPECT_EQ(row, (std::array<float, 3>{4, 5, 6}));
}

}  // namespace
}  // namespace sparrow
