#include "gguf/writer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "gguf/gguf_file.h"
#include "sparrow/error.h"
#include "tests/support/test_folder.h"

namespace sparrow {
namespace {

using testing::ElementsAre;

GgufWriter writer_of_everything() {
  GgufWriter writer;
  writer.add_uint32("u32", 4000000000u);
  writer.add_uint64("u64", UINT64_MAX);
  writer.add_int32("i32", -7);
  writer.add_float32("f32", 0.1f);
  writer.add_bool("flag", true);
  writer.add_string("text", "你好");
  writer.add_strings("words", std::vector<std::string>{"a", "", "ccc"});
  writer.add_int32s("numbers", std::vector<int32_t>{1, -2, 3});
  writer.add_float32s("scores", std::vector<float>{-0.5f, 2});
  writer.add_entry({"i8", GgufType::int8, int64_t{-128}});
  writer.add_entry({"u16", GgufType::uint16, uint64_t{65535}});
  writer.add_entry({"f64", GgufType::float64, 0.1});
  writer.add_tensor_f32("first", {{3, 1, 1, 1}, 1}, std::vector<float>{1, 2, 3});
  writer.add_tensor_f32("second", {{2, 2, 1, 1}, 2}, std::vector<float>{4, 5, 6, 7});
  return writer;
}

TEST(GgufWriter, what_it_writes_is_read_back) {
  const std::vector<std::byte> bytes = writer_of_everything().to_bytes();
  const std::shared_ptr<const GgufFile> file = GgufFile::parse(bytes, "test");
  const Metadata& metadata = file->metadata();
  EXPECT_EQ(file->version(), 3u);
  EXPECT_EQ(metadata.get_uint("u32"), 4000000000u);
  EXPECT_EQ(metadata.get_uint("u64"), UINT64_MAX);
  EXPECT_EQ(metadata.find_int("i32"), -7);
  EXPECT_EQ(metadata.get_float("f32"), double{0.1f});
  EXPECT_EQ(metadata.get_float("f64"), 0.1);
  EXPECT_EQ(metadata.find_bool("flag"), true);
  EXPECT_EQ(metadata.get_string("text"), "你好");
  EXPECT_THAT(metadata.get_strings("words"), ElementsAre("a", "", "ccc"));
  EXPECT_THAT(*metadata.find_ints("numbers"), ElementsAre(1, -2, 3));
  EXPECT_THAT(*metadata.find_floats("scores"), ElementsAre(-0.5f, 2));
  EXPECT_EQ(metadata.find_int("i8"), -128);
  EXPECT_EQ(metadata.get_uint("u16"), 65535u);
  ASSERT_EQ(file->tensors().size(), 2u);
  EXPECT_THAT(dequantize(file->tensor("first")), ElementsAre(1, 2, 3));
  EXPECT_THAT(dequantize(file->tensor("second")), ElementsAre(4, 5, 6, 7));
  EXPECT_EQ(to_string(file->find_tensor("second")->shape), "[2, 2]");
}

TEST(GgufWriter, a_copy_of_all_entries_and_tensors_is_the_same_bytes) {
  for (const uint32_t alignment : {1u, 8u, 32u, 64u, 4096u}) {
    GgufWriter writer = writer_of_everything();
    writer.set_alignment(alignment);
    const std::vector<std::byte> bytes = writer.to_bytes();
    const std::shared_ptr<const GgufFile> file = GgufFile::parse(bytes, "test");
    GgufWriter copy;
    for (const GgufEntry& entry : file->metadata().entries()) copy.add_entry(entry);
    for (const TensorInfo& info : file->tensors())
      copy.add_tensor(info.name, *info.format, info.shape, {info.data, info.size_bytes});
    EXPECT_EQ(copy.to_bytes(), bytes) << "alignment " << alignment;
  }
}

TEST(GgufWriter, a_file_is_the_same_bytes_and_leaves_nothing_beside_it) {
  const TestFolder folder;
  const GgufWriter writer = writer_of_everything();
  writer.write(folder.file("model.gguf"));
  const std::string text = read_test_file(folder.file("model.gguf"));
  const std::vector<std::byte> bytes = writer.to_bytes();
  EXPECT_EQ(text, std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
  size_t count = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(folder.path()))
    ++count;
  EXPECT_EQ(count, 1u);
}

TEST(GgufWriter, a_folder_that_is_not_there_is_an_error_of_the_disk) {
  try {
    GgufWriter().write("/nonexistent/model.gguf");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::io);
    EXPECT_THAT(error.what(), testing::HasSubstr("cannot create /nonexistent/model.gguf"));
  }
}

}  // namespace
}  // namespace sparrow
