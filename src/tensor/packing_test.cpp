// A packed tile holds exactly the file's bytes.
#include "tensor/packing.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

namespace sparrow {
namespace {

std::vector<std::byte> random_bytes(int64_t count) {
  std::mt19937 random(5);
  std::vector<std::byte> bytes(static_cast<size_t>(count));
  for (std::byte& byte : bytes) byte = std::byte(random());
  return bytes;
}

TEST(Packing, every_format_can_be_packed_in_rows_of_its_blocks_and_plain_ones_in_rows_of_32) {
  for (const Format& format : formats()) {
    const int64_t values = std::max<int64_t>(format.block_values, kPackedFloats);
    EXPECT_TRUE(can_pack(format, values)) << format.name;
    EXPECT_TRUE(can_pack(format, 3 * values)) << format.name;
    EXPECT_FALSE(can_pack(format, 3 * values - 1)) << format.name;
  }
}

TEST(Packing, rows_come_out_as_they_went_in) {
  for (const Format& format : formats()) {
    const int64_t blocks = 3 * (format.block_values > 1 ? 1 : kPackedFloats);
    const int64_t row_bytes = blocks * format.block_bytes;
    for (const int64_t row_count : {1, 7, 16}) {
      const std::vector<std::byte> rows = random_bytes(row_count * row_bytes);
      std::vector<std::byte> tile(static_cast<size_t>(kPackedRows * row_bytes), std::byte{0xaa});
      pack_tile(format, rows.data(), row_count, row_bytes, tile.data());
      std::vector<std::byte> row(static_cast<size_t>(row_bytes));
      for (int64_t i = 0; i < kPackedRows; ++i) {
        unpack_row(format, tile.data(), i, 0, blocks, row.data());
        for (int64_t j = 0; j < row_bytes; ++j) {
          const std::byte expected =
              i < row_count ? rows[static_cast<size_t>(i * row_bytes + j)] : std::byte{0};
          ASSERT_EQ(row[static_cast<size_t>(j)], expected) << format.name << " row " << i;
        }
      }
    }
  }
}

TEST(Packing, a_stretch_of_a_row_can_be_taken_alone) {
  const Format& format = *find_format("Q6_K");
  const int64_t row_bytes = 4 * format.block_bytes;
  const std::vector<std::byte> rows = random_bytes(16 * row_bytes);
  std::vector<std::byte> tile(rows.size());
  pack_tile(format, rows.data(), 16, row_bytes, tile.data());
  std::vector<std::byte> middle(static_cast<size_t>(2 * format.block_bytes));
  unpack_row(format, tile.data(), 9, 1, 2, middle.data());
  EXPECT_TRUE(
      std::equal(middle.begin(), middle.end(), rows.begin() + 9 * row_bytes + format.block_bytes));
}

}  // namespace
}  // namespace sparrow
