#include <gtest/gtest.h>

#include <set>

#include "tensor/formats/format.h"

namespace sparrow {
namespace {

TEST(Formats, are_the_fifteen_that_sparrow_reads) {
  EXPECT_EQ(format_names(),
            "F32, F16, BF16, Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, Q2_K, Q3_K, Q4_K, Q5_K, Q6_K, IQ4_NL, "
            "IQ4_XS");
  std::set<uint32_t> ids;
  for (const Format& format : formats()) {
    EXPECT_TRUE(ids.insert(format.gguf_id).second) << format.name;
    EXPECT_EQ(find_format(format.gguf_id), &format);
    EXPECT_EQ(find_format(format.name), &format);
    EXPECT_NE(format.dequantize, nullptr);
  }
}

TEST(Formats, are_found_by_name_in_any_case) {
  EXPECT_EQ(find_format("q4_K")->gguf_id, 12u);
  EXPECT_EQ(find_format("bf16")->gguf_id, 30u);
  EXPECT_EQ(find_format("q4"), nullptr);
}

TEST(Formats, others_have_a_name_and_a_size_but_no_row) {
  EXPECT_EQ(find_format(16u), nullptr);
  EXPECT_EQ(format_name(16), "IQ2_XXS");
  EXPECT_EQ(find_block_layout(16)->block_bytes, 66);
  EXPECT_EQ(format_name(99), "type 99");
  EXPECT_FALSE(find_block_layout(99));
  EXPECT_FALSE(find_block_layout(4));  // Q4_2, gone before GGUF
}

}  // namespace
}  // namespace sparrow
