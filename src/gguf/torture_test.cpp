// A good file broken everywhere: cut at every byte, each bit turned, many fields at once. The
// reader never fails but by an Error, and takes exactly what the slow reader of tests takes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "gguf/gguf_file.h"
#include "sparrow/error.h"
#include "tests/support/raw_gguf.h"
#include "tests/support/slow_gguf.h"
#include "tests/support/tiny_model.h"

namespace sparrow {
namespace {

using Bytes = std::vector<std::byte>;
using test_support::RawGguf;
using test_support::slow_gguf_problem;

// A copy of exactly this size, so that a sanitizer sees each read beyond it.
std::string refusal(std::span<const std::byte> bytes) {
  const auto copy = std::make_unique<std::byte[]>(bytes.size());
  std::ranges::copy(bytes, copy.get());
  try {
    GgufFile::parse({copy.get(), bytes.size()}, "test");
    return "";
  } catch (const Error& error) {
    EXPECT_TRUE(error.code() == ErrorCode::invalid_file || error.code() == ErrorCode::unsupported);
    EXPECT_THAT(error.what(), testing::HasSubstr("test: "));
    return error.what();
  }
}

void expect_same_verdict(const Bytes& bytes, const std::string& what) {
  const std::string slow = slow_gguf_problem(bytes);
  const std::string fast = refusal(bytes);
  EXPECT_EQ(slow.empty(), fast.empty()) << what << ": '" << slow << "' / '" << fast << "'";
}

// Every value type, arrays, and tensors of several types: everything that has a check.
RawGguf small_file() {
  RawGguf raw(3, 8);
  raw.key("general.alignment", 4).u32(16);
  raw.key("a.byte", 0).u8(200);
  raw.key("a.flag", 7).u8(1);
  raw.key("a.text", 8).text("hällo");
  raw.key("a.double", 12).u64(0x3ff0000000000000);
  raw.array("a.words", 8, 3).text("one").text("").text("three");
  raw.array("a.flags", 7, 4).u8(0).u8(1).u8(1).u8(0);
  raw.array("a.numbers", 11, 2).u64(5).u64(UINT64_MAX);
  raw.tensor("first.weight", {32, 2}, 8, 0);
  raw.tensor("second.weight", {4, 1, 2}, 0, 80);
  raw.tensor("third", {256}, 16, 112);
  return raw.pad_to(16).zeros(112 + 66);
}

TEST(GgufTorture, a_file_cut_at_any_byte_is_refused) {
  const Bytes small = small_file().data();
  ASSERT_EQ(refusal(small), "");
  for (size_t size = 0; size < small.size(); ++size)
    EXPECT_NE(refusal(std::span(small).first(size)), "") << size;
  // A whole model: every byte of its metadata and directory, and around each tensor's end.
  const Bytes model = test_support::tiny_gguf(test_support::tiny_model("qwen3"));
  const auto file = GgufFile::parse(model, "test");
  const size_t data_start = static_cast<size_t>(file->tensors()[0].data - model.data());
  for (size_t size = 0; size <= data_start; ++size)
    EXPECT_NE(refusal(std::span(model).first(size)), "") << size;
  for (const TensorInfo& info : file->tensors()) {
    const size_t end = static_cast<size_t>(info.data + info.size_bytes - model.data());
    const bool is_last = &info == &file->tensors().back();
    EXPECT_NE(refusal(std::span(model).first(end - 1)), "") << info.name;
    EXPECT_EQ(refusal(std::span(model).first(end)).empty(), is_last) << info.name;
    EXPECT_EQ(refusal(std::span(model).first(std::min(end + 1, model.size()))).empty(), is_last);
  }
}

TEST(GgufTorture, any_bit_turned_is_judged_as_the_slow_reader_does) {
  const Bytes small = small_file().data();
  Bytes changed = small;
  for (size_t bit = 0; bit < small.size() * 8; ++bit) {
    changed[bit / 8] ^= std::byte{1} << (bit % 8);
    expect_same_verdict(changed, "bit " + std::to_string(bit));
    changed[bit / 8] = small[bit / 8];
  }
}

TEST(GgufTorture, many_fields_changed_at_once_are_judged_as_the_slow_reader_does) {
  constexpr uint64_t kValues[] = {
      0,          1,          2,           3,          4,          7,          8,
      9,          16,         31,          32,         33,         64,         0x7fffffff,
      0x80000000, 0xffffffff, 0x100000000, 1ull << 40, 1ull << 48, 1ull << 63, UINT64_MAX - 31,
      UINT64_MAX};
  const Bytes small = small_file().data();
  std::mt19937_64 random(7);
  for (int round = 0; round < 10000; ++round) {
    Bytes changed = small;
    const uint64_t change_count = 1 + random() % 4;
    for (uint64_t i = 0; i < change_count; ++i) {
      const size_t width = size_t{1} << random() % 4;
      const size_t place = 4 + random() % (small.size() - 4 - width);
      const uint64_t value = kValues[random() % std::size(kValues)];
      std::memcpy(changed.data() + place, &value, width);
    }
    expect_same_verdict(changed, "round " + std::to_string(round));
  }
}

TEST(GgufTorture, bytes_cut_out_or_doubled_are_judged_as_the_slow_reader_does) {
  const Bytes small = small_file().data();
  std::mt19937_64 random(11);
  for (int round = 0; round < 3000; ++round) {
    Bytes changed = small;
    const size_t count = 1 + random() % 24;
    const auto place = static_cast<ptrdiff_t>(random() % (small.size() - count));
    if (random() % 2 == 0) {
      changed.erase(changed.begin() + place,
                    changed.begin() + place + static_cast<ptrdiff_t>(count));
    } else {
      changed.insert(changed.begin() + place, small.begin() + place,
                     small.begin() + place + static_cast<ptrdiff_t>(count));
    }
    expect_same_verdict(changed, "round " + std::to_string(round));
  }
}

}  // namespace
}  // namespace sparrow
