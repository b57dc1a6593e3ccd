// Every limit of gguf/limits.h: taken below and at it, refused one beyond.
#include "gguf/limits.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gguf/gguf_file.h"
#include "sparrow/error.h"
#include "tests/support/raw_gguf.h"

namespace sparrow {
namespace {

using test_support::RawGguf;
using testing::HasSubstr;

std::string refusal(const RawGguf& raw) {
  try {
    GgufFile::parse(raw.data(), "test");
    return "";
  } catch (const Error& error) {
    return error.what();
  }
}

// `make` writes a file that uses `count` of what is limited.
template <typename Make>
void expect_limit(uint64_t limit, const char* message, const Make& make) {
  EXPECT_EQ(refusal(make(limit - 1)), "") << message;
  EXPECT_EQ(refusal(make(limit)), "") << message;
  EXPECT_THAT(refusal(make(limit + 1)), HasSubstr(message));
}

std::string text_of(uint64_t size) { return std::string(size, 'x'); }

TEST(GgufLimits, of_keys_tensors_and_names) {
  expect_limit(gguf::kMaxEntries, "metadata count at byte 16: is 16385; at most 16384",
               [](uint64_t count) {
                 RawGguf raw(0, count);
                 for (uint64_t i = 0; i < count; ++i) raw.key(std::to_string(i), 0).u8(1);
                 return raw;
               });
  expect_limit(gguf::kMaxTensors, "tensor count at byte 8: is 65537; at most 65536",
               [](uint64_t count) {
                 RawGguf raw(count);
                 for (uint64_t i = 0; i < count; ++i) raw.tensor(std::to_string(i), {1}, 24, i);
                 return raw.pad_to(32).zeros(count);
               });
  expect_limit(gguf::kMaxKeyBytes, "metadata key 0 at byte 24: is 257 bytes long; at most 256",
               [](uint64_t size) { return RawGguf(0, 1).key(text_of(size), 0).u8(1); });
  expect_limit(gguf::kMaxNameBytes, "name of tensor 0 at byte 24: is 129 bytes long; at most 128",
               [](uint64_t size) {
                 return RawGguf(1).tensor(text_of(size), {1}, 0, 0).pad_to(32).zeros(4);
               });
}

TEST(GgufLimits, of_strings_and_arrays) {
  expect_limit(gguf::kMaxStringBytes, "is 16777217 bytes long; at most 16777216",
               [](uint64_t size) { return RawGguf(0, 1).key("k", 8).text(text_of(size)); });
  expect_limit(gguf::kMaxArrayElements, "is an array of 4194305 elements; at most 4194304",
               [](uint64_t count) { return RawGguf(0, 1).array("k", 0, count).zeros(count); });
  // Three arrays of strings share one budget.
  expect_limit(gguf::kMaxStringElements, "key 'c' at byte 67108935: takes the arrays of strings",
               [](uint64_t count) {
                 const uint64_t half = gguf::kMaxStringElements / 2;
                 RawGguf raw(0, 3);
                 raw.array("a", 8, half).zeros(8 * half);
                 raw.array("b", 8, half - 2).zeros(8 * (half - 2));
                 const uint64_t rest = count - (2 * half - 2);
                 return raw.array("c", 8, rest).zeros(8 * rest);
               });
}

TEST(GgufLimits, of_all_metadata_together) {
  // The last string ends exactly at the limit, one before it and one beyond it.
  expect_limit(gguf::kMaxMetadataBytes, "takes the metadata beyond 256 MiB", [](uint64_t end) {
    constexpr uint64_t kCount = 16;
    RawGguf raw(0, kCount);
    for (uint64_t i = 0; i < kCount; ++i) {
      const uint64_t start = raw.data().size() + 8 + 1 + 4 + 8;
      const uint64_t size = std::min(gguf::kMaxStringBytes, end - start);
      raw.key(std::string(1, static_cast<char>('a' + i)), 8).u64(size).zeros(size);
    }
    return raw;
  });
}

TEST(GgufLimits, of_shapes) {
  const auto file = [](const std::vector<uint64_t>& dims, uint32_t type = 0) {
    return RawGguf(1).tensor("t", dims, type, 0).pad_to(32);
  };
  // These shapes are well formed, so what is wrong with them is the size of the file.
  const auto is_taken = [&](const std::vector<uint64_t>& dims) {
    return refusal(file(dims)).find("it is cut short") != std::string::npos;
  };
  EXPECT_TRUE(is_taken({gguf::kMaxDimension - 1}));
  EXPECT_TRUE(is_taken({gguf::kMaxDimension}));
  EXPECT_THAT(refusal(file({gguf::kMaxDimension + 1})), HasSubstr("must be 1 to 1099511627776"));
  EXPECT_TRUE(is_taken({gguf::kMaxTensorValues >> 10, 1023}));
  EXPECT_TRUE(is_taken({gguf::kMaxTensorValues >> 10, 1024}));
  EXPECT_THAT(refusal(file({gguf::kMaxTensorValues >> 10, 1025})),
              HasSubstr("has more than 281474976710656 values"));
  for (uint32_t rank = 1; rank <= gguf::kMaxRank; ++rank)
    EXPECT_EQ(refusal(file(std::vector<uint64_t>(rank, 1)).zeros(4)), "");
  // A type that only newer programs know opens; one that nothing can mean does not.
  EXPECT_EQ(refusal(file({32}, gguf::kMaxTypeId)), "");
  EXPECT_THAT(refusal(file({32}, gguf::kMaxTypeId + 1)), HasSubstr("has type 256"));
}

TEST(GgufLimits, of_the_alignment) {
  for (uint32_t alignment = 1; alignment <= gguf::kMaxAlignment; alignment *= 2) {
    RawGguf raw(1, 1);
    raw.key("general.alignment", 4).u32(alignment).tensor("t", {1}, 0, 0);
    EXPECT_EQ(refusal(raw.pad_to(alignment).zeros(4)), "") << alignment;
  }
  EXPECT_THAT(refusal(RawGguf(0, 1).key("general.alignment", 4).u32(2 << 20)),
              HasSubstr("general.alignment is 2097152"));
}

}  // namespace
}  // namespace sparrow
