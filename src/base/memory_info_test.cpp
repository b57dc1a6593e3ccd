#include "base/memory_info.h"

#include <gtest/gtest.h>

namespace sparrow {
namespace {

TEST(MemoryInfo, formats_sizes_in_binary_units) {
  EXPECT_EQ(format_bytes(0), "0 B");
  EXPECT_EQ(format_bytes(1023), "1023 B");
  EXPECT_EQ(format_bytes(1536), "1.5 KiB");
  EXPECT_EQ(format_bytes(37 << 20), "37.0 MiB");
  EXPECT_EQ(format_bytes(int64_t{5} << 29), "2.50 GiB");
}

TEST(MemoryInfo, some_memory_is_available) { EXPECT_GT(available_memory_bytes(), 1 << 20); }

}  // namespace
}  // namespace sparrow
