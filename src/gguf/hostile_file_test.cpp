// The field pack: files that crashed, hung or misled other readers of GGUF, made anew. Each is
// refused in one line that names the field, the byte and the value. The letters are the cases of
// published reports: integer products that wrap (CVE-2025-53630, CVE-2026-7482), counts that are
// believed (CVE-2024-21802, CVE-2025-0315), zero divisors (CVE-2025-0317), neighbours read
// silently, endless loops on declared lengths.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gguf/gguf_file.h"
#include "sparrow/error.h"
#include "tests/support/raw_gguf.h"
#include "tests/support/slow_gguf.h"

namespace sparrow {
namespace {

using test_support::RawGguf;
using testing::HasSubstr;

struct HostileFile {
  const char* sentence;
  RawGguf raw;
  const char* message;  // must stand in the error
  ErrorCode code = ErrorCode::invalid_file;
};

RawGguf only(std::string_view bytes) {
  RawGguf raw = RawGguf::empty();
  raw.bytes(bytes);
  return raw;
}

std::vector<HostileFile> bad_headers() {
  constexpr ErrorCode kUnsupported = ErrorCode::unsupported;
  return {
      {"an empty file", RawGguf::empty(), "magic at byte 0: the file is empty"},
      {"a file of three bytes", only("GGU"), "magic at byte 0: must be 'GGUF', is 'GGU'"},
      {"a magic of another file",
       only("\x7f"
            "ELF0123"),
       "must be 'GGUF', is '\\x7fELF'"},
      {"a magic that is backwards", only("FUGG0123"), "must be 'GGUF', is 'FUGG'"},
      {"a web page in place of a download", only("<!DOCTYPE html>"), "this is a web page"},
      {"a Git LFS pointer", only("version https://git-lfs.github.com/spec/v1"),
       "a Git LFS pointer"},
      {"a safetensors file", only(std::string_view("\x10\x02\0\0\0\0\0\0{\"a\":", 13)),
       "looks like a safetensors file"},
      {"nothing after the magic", only("GGUF"),
       "version at byte 4: needs 4 bytes, but the file ends after 0 more"},
      {"version 0", RawGguf(0, 0, 0), "version at byte 4: is 0; versions 2 and 3 are read",
       kUnsupported},
      {"version 1", RawGguf(0, 0, 1), "version at byte 4: is 1;", kUnsupported},
      {"version 4", RawGguf(0, 0, 4), "version at byte 4: is 4;", kUnsupported},
      {"a big-endian file", RawGguf(0, 0, 0x03000000),
       "the file is big-endian (version 3); only little-endian files are read", kUnsupported},
      {"counts that are cut off", only(std::string_view("GGUF\3\0\0\0\0\0\0\0", 12)),
       "tensor count at byte 8: needs 8 bytes, but the file ends after 4 more"},
      {"a tensor count that wraps when multiplied", RawGguf(UINT64_MAX / 8, 0),
       "tensor count at byte 8: is 2305843009213693951; at most 65536"},
      {"more tensors than the bytes can hold", RawGguf(2, 0).zeros(33),
       "tensor count at byte 8: is 2, but the 41 bytes that follow hold at most 1"},
      {"a negative metadata count", RawGguf(0, UINT64_MAX),
       "metadata count at byte 16: is 18446744073709551615; at most 16384"},
      {"more keys than the bytes can hold", RawGguf(0, 10000).zeros(100),
       "metadata count at byte 16: is 10000, but the 100 bytes that follow hold at most 7"},
  };
}

std::vector<HostileFile> bad_metadata() {
  const auto entry = [] { return RawGguf(0, 1); };
  return {
      {"a key longer than the file", entry().u64(200).zeros(30),
       "metadata key 0 at byte 32: needs 200 bytes, but the file ends after 30 more"},
      {"a key length near 2^64", entry().u64(UINT64_MAX).zeros(30),
       "metadata key 0 at byte 24: is 18446744073709551615 bytes long; at most 256"},
      {"an empty key", entry().key("", 4).u32(1).zeros(9), "metadata key 0 at byte 24: is empty"},
      {"a key that is not UTF-8", entry().key("a\xff", 4).u32(1), "'a\\xff' is not UTF-8"},
      {"a key with an overlong slash", entry().key("a\xc0\xaf", 4).u32(1), "is not UTF-8"},
      {"a key with a zero byte", entry().key(std::string_view("a\0b", 3), 4).u32(1),
       "'a\\x00b' has a zero byte in it"},
      {"a key that climbs out of a folder", entry().key("a/../b", 4).u32(1),
       "'a/../b' has '..' as a step of a path"},
      {"a key that stands twice", RawGguf(0, 2).key("k", 4).u32(1).key("k", 4).u32(2),
       "key 'k' at byte 41: stands already at byte 24"},
      {"a value type that is none", entry().key("k", 13).u32(1),
       "key 'k' at byte 33: has value type 13; types are 0 to 12"},
      {"a negative value type", entry().key("k", UINT32_MAX).u32(1), "has value type 4294967295"},
      {"a value that is cut off", entry().key("k", 10).u32(1),
       "key 'k' at byte 37: needs 8 bytes, but the file ends after 4 more"},
      {"a string of 2^63 bytes", entry().key("k", 8).u64(uint64_t{1} << 63),
       "key 'k' at byte 37: is 9223372036854775808 bytes long; at most 16777216"},
      {"a string longer than the file", entry().key("k", 8).u64(100).zeros(9),
       "key 'k' at byte 45: needs 100 bytes, but the file ends after 9 more"},
      {"a bool that is 2", entry().key("k", 7).u8(2), "must be 0 or 1 (a bool), is 2"},
      {"an array of bools with a 255", entry().array("k", 7, 3).u8(0).u8(1).u8(255),
       "key 'k' at byte 51: must be 0 or 1 (a bool), is 255"},
      // 43 bytes made the Python reader loop and grow by 120 MB a second.
      {"an array of 2^63 elements in a file of 43 bytes", entry().array("k", 0, uint64_t{1} << 63),
       "is an array of 9223372036854775808 elements; at most 4194304"},
      {"an array longer than the file", entry().array("k", 5, 1000).zeros(40),
       "is an array of 1000 elements, but the 40 bytes that follow hold 10"},
      {"an array of strings longer than the file", entry().array("k", 8, 3).zeros(23),
       "is an array of 3 elements, but the 23 bytes that follow hold 2"},
      {"an array whose second string is cut off", entry().array("k", 8, 2).text("a").u64(5),
       "key 'k' at byte 66: needs 5 bytes, but the file ends after 0 more"},
      {"an array of an unknown type", entry().array("k", 77, 1).zeros(9), "has value type 77"},
      {"arrays inside an array", entry().array("k", 9, 1).u32(0).u64(0),
       "key 'k' at byte 37: is an array of arrays", ErrorCode::unsupported},
      {"an alignment of 0", entry().key("general.alignment", 4).u32(0),
       "general.alignment is 0; must be a power of two, at most 1048576"},
      {"an alignment that is no power of two", entry().key("general.alignment", 4).u32(13),
       "general.alignment is 13; must be a power of two"},
      {"an alignment of 2^31", entry().key("general.alignment", 4).u32(uint32_t{1} << 31),
       "general.alignment is 2147483648; must be a power of two, at most 1048576"},
      {"a negative alignment", entry().key("general.alignment", 5).u32(UINT32_MAX - 31),
       "key 'general.alignment' must be a whole number from 0 on, is -32"},
      {"an alignment that is text", entry().key("general.alignment", 8).text("32"),
       "key 'general.alignment' must be a whole number from 0 on, is a string"},
      {"an alignment that is an array", entry().array("general.alignment", 4, 1).u32(32),
       "is an array of uint32"},
      {"a split count that is text", entry().key("split.count", 8).text("2"),
       "key 'split.count' must be a whole number from 0 on, is a string"},
      {"a million parts", entry().key("split.count", 4).u32(1000000),
       "split.count is 1000000; a model has at most 1024 parts"},
  };
}

std::vector<HostileFile> bad_tensors() {
  const auto with = [](const std::vector<uint64_t>& dims, uint32_t type = 0, uint64_t offset = 0) {
    RawGguf raw(1);
    return raw.tensor("t", dims, type, offset).pad_to(32).zeros(256);
  };
  constexpr uint64_t kBig = uint64_t{1} << 40;
  return {
      {"a dimension of 2^42 + 1, whose bytes wrap to 0", with({32, (uint64_t{1} << 42) + 1}, 2),
       "has dimension 1 of 4398046511105; must be 1 to 1099511627776"},
      {"dimensions whose padded size wraps to 0", with({4, 1073741823, 1073741825}),
       "tensor 't' at byte 33: has more than 281474976710656 values"},
      {"four dimensions of 2^40", with({kBig, kBig, kBig, kBig}), "has more than 281474976710656"},
      {"a dimension of 0", with({4, 0}), "has dimension 1 of 0; must be 1 to"},
      {"a first dimension of 0", with({0}), "has dimension 0 of 0; must be 1 to"},
      {"a negative dimension", with({UINT64_MAX}), "has dimension 0 of 18446744073709551615"},
      {"no dimensions", with({}), "has 0 dimensions; must have 1 to 4"},
      {"five dimensions", with({1, 1, 1, 1, 1}), "has 5 dimensions; must have 1 to 4"},
      {"2^32 - 1 dimensions", RawGguf(1).text("t").u32(UINT32_MAX).zeros(40),
       "has 4294967295 dimensions"},
      {"a negative type", with({32}, UINT32_MAX), "has type 4294967295, which no GGUF file has"},
      {"a type far beyond the table", with({32}, 5000), "has type 5000, which no GGUF file has"},
      {"a row that is no whole number of blocks", with({33}, 2),
       "has rows of 33 values; rows of Q4_0 are whole blocks of 32"},
      {"a row of a type that is not read, not in whole blocks", with({100}, 16),
       "rows of IQ2_XXS are whole blocks of 256"},
      {"an offset beyond the file", with({4}, 0, 4096), "at offset 4096 of the data"},
      {"an offset that wraps back into the file", with({4}, 0, UINT64_MAX - 31),
       "at offset 18446744073709551584 of the data"},
      {"a shape larger than the data", with({64, 2}), "has 512 bytes of F32 at offset 0"},
      {"data that end one byte early", RawGguf(1).tensor("t", {4}, 0, 0).pad_to(32).zeros(15),
       "begin at byte 64, but the file has 79 bytes: it is cut short"},
      {"a directory without any data", RawGguf(1).tensor("t", {4}, 0, 0), "it is cut short"},
      {"a type of unknown size beyond the file", with({4}, 200, 4096), "has 0 bytes of type 200"},
      {"two tensors on one another",
       RawGguf(2).tensor("a", {8}, 0, 0).tensor("b", {8}, 0, 0).pad_to(32).zeros(64),
       "tensor 'b' at byte 57: begins at offset 0 of the data, inside tensor 'a', which has 32 "
       "bytes at 0"},
      // Reserved for a smaller type: a read of 'a' would go on into 'b'.
      {"a tensor that reaches into its neighbour",
       RawGguf(2).tensor("b", {8}, 0, 32).tensor("a", {9}, 0, 0).pad_to(32).zeros(64),
       "tensor 'b' at byte 24: begins at offset 32 of the data, inside tensor 'a', which has 36"},
      {"a tensor that stands twice",
       RawGguf(2).tensor("a", {8}, 0, 0).tensor("a", {8}, 0, 32).pad_to(32).zeros(64),
       "tensor 'a' at byte 57: stands already at byte 24"},
      {"a tensor without a name", RawGguf(1).tensor("", {8}, 0, 0).pad_to(32).zeros(64),
       "name of tensor 0 at byte 24: is empty"},
      {"a tensor name that is not UTF-8", RawGguf(1).tensor("\xed\xa0\x80", {8}, 0, 0).zeros(99),
       "name of tensor 0 at byte 24: '\\xed\\xa0\\x80' is not UTF-8"},
      {"a tensor name that climbs out of a folder", RawGguf(1).tensor("..", {8}, 0, 0).zeros(99),
       "'..' has '..' as a step of a path"},
      {"a directory that is cut off in the middle",
       RawGguf(1).text("t").u32(2).u64(1).u64(1).zeros(4), "needs 8 bytes"},
  };
}

void expect_refusals(const std::vector<HostileFile>& files) {
  for (const HostileFile& file : files) {
    SCOPED_TRACE(file.sentence);
    EXPECT_NE(test_support::slow_gguf_problem(file.raw.data()), "");
    try {
      GgufFile::parse(file.raw.data(), "model.gguf");
      ADD_FAILURE() << "was taken";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), file.code);
      EXPECT_THAT(error.what(), HasSubstr(file.message));
      EXPECT_THAT(error.what(), testing::StartsWith("model.gguf: "));
      EXPECT_THAT(error.what(), testing::Not(HasSubstr("\n")));
    }
  }
}

TEST(HostileGguf, headers_that_lie_are_refused) { expect_refusals(bad_headers()); }
TEST(HostileGguf, metadata_that_lie_are_refused) { expect_refusals(bad_metadata()); }
TEST(HostileGguf, tensors_that_lie_are_refused) { expect_refusals(bad_tensors()); }

}  // namespace
}  // namespace sparrow
