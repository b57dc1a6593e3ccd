// Good files open, whatever writer and version they are of; single files and split ones.
#include "gguf/gguf_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <functional>

#include "gguf/writer.h"
#include "sparrow/error.h"
#include "tests/support/raw_gguf.h"
#include "tests/support/slow_gguf.h"
#include "tests/support/test_folder.h"

namespace sparrow {
namespace {

using test_support::RawGguf;
using testing::HasSubstr;

Error refusal(const std::function<void()>& open) {
  try {
    open();
  } catch (const Error& error) {
    return error;
  }
  ADD_FAILURE() << "the file was taken";
  return Error(ErrorCode::internal, "");
}

TEST(GgufFile, versions_2_and_3_open) {
  for (const uint32_t version : {2u, 3u}) {
    const RawGguf raw = RawGguf(0, 1, version).key("general.name", 8).text("tiny");
    const std::shared_ptr<const GgufFile> file = GgufFile::parse(raw.data(), "test");
    EXPECT_EQ(file->version(), version);
    EXPECT_EQ(file->metadata().get_string("general.name"), "tiny");
  }
}

TEST(GgufFile, a_tensor_is_asked_for_by_name) {
  RawGguf raw(2);
  raw.tensor("known", {4}, 0, 0).tensor("newer", {256}, 16, 32).pad_to(32).zeros(32 + 66);
  const std::shared_ptr<const GgufFile> file = GgufFile::parse(raw.data(), "test");
  EXPECT_EQ(file->tensor("known").size_bytes(), 16);
  EXPECT_EQ(file->find_tensor("absent"), nullptr);
  const Error absent = refusal([&] { file->tensor("absent"); });
  EXPECT_EQ(absent.code(), ErrorCode::not_found);
  EXPECT_STREQ(absent.what(), "test: no tensor 'absent'");
  // The file opens, so that it can be looked at; the tensor cannot be read.
  EXPECT_EQ(file->find_tensor("newer")->size_bytes, 66u);
  const Error newer = refusal([&] { file->tensor("newer"); });
  EXPECT_EQ(newer.code(), ErrorCode::unsupported);
  EXPECT_STREQ(newer.what(), ("test: tensor 'newer' is of type IQ2_XXS, which is not read; these "
                              "are: " +
                              format_names())
                                 .c_str());
}

// Good files of other writers that readers have refused: none is refused here.
TEST(GgufFile, good_files_of_any_writer_open) {
  const struct {
    const char* sentence;
    RawGguf raw;
  } files[] = {
      {"no keys and no tensors", RawGguf()},
      {"no padding after the directory of a vocabulary", RawGguf(0, 1).key("k", 8).text("v")},
      {"data that do not end in padding", RawGguf(1).tensor("t", {3}, 0, 0).pad_to(32).zeros(12)},
      {"bytes after the data", RawGguf(1).tensor("t", {3}, 0, 0).pad_to(32).zeros(999)},
      {"gaps between tensors",
       RawGguf(2).tensor("a", {1}, 0, 64).tensor("b", {1}, 0, 256).pad_to(32).zeros(260)},
      {"tensors in another order than their data",
       RawGguf(2).tensor("a", {1}, 0, 32).tensor("b", {1}, 0, 0).pad_to(32).zeros(36)},
      {"an offset that is not aligned",
       RawGguf(2).tensor("a", {1}, 0, 0).tensor("b", {1}, 0, 5).pad_to(32).zeros(9)},
      {"an alignment of 1",
       RawGguf(1, 1).key("general.alignment", 4).u32(1).tensor("t", {3}, 0, 0).zeros(12)},
      {"an alignment of another width", RawGguf(1, 1)
                                            .key("general.alignment", 10)
                                            .u64(64)
                                            .tensor("t", {3}, 0, 0)
                                            .pad_to(64)
                                            .zeros(12)},
      {"arrays of no elements", RawGguf(0, 3).array("a", 8, 0).array("b", 5, 0).array("c", 7, 0)},
      {"empty strings", RawGguf(0, 2).key("a", 8).text("").array("b", 8, 2).text("").text("")},
      {"strings that are not UTF-8", RawGguf(0, 1).key("a", 8).text("\xff\xfe")},
      {"keys and names beyond ASCII",
       RawGguf(1, 1).key("键", 0).u8(1).tensor("权重", {1}, 0, 0).pad_to(32).zeros(4)},
      {"names with dots and slashes", RawGguf(0, 2).key("a/b..c", 0).u8(1).key("...", 0).u8(1)},
      {"a single part that says it is 1 of 1",
       RawGguf(0, 2).key("split.count", 2).u16(1).key("split.no", 2).u16(0)},
      {"a split count of 0", RawGguf(0, 1).key("split.count", 2).u16(0)},
      {"a tensor of a type that is not read",
       RawGguf(1).tensor("t", {32}, 39, 0).pad_to(32).zeros(17)},
      {"a tensor of a type newer than this program",
       RawGguf(1).tensor("t", {7}, 60, 0).pad_to(32).zeros(4)},
  };
  for (const auto& file : files) {
    SCOPED_TRACE(file.sentence);
    EXPECT_EQ(test_support::slow_gguf_problem(file.raw.data()), "");
    EXPECT_NO_THROW(GgufFile::parse(file.raw.data(), "test"));
  }
}

TEST(GgufFile, a_file_that_is_not_there_is_not_found) {
  EXPECT_EQ(refusal([] { GgufFile::open("/nonexistent.gguf"); }).code(), ErrorCode::not_found);
}

}  // namespace
}  // namespace sparrow
