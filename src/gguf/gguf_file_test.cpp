// Good files open, whatever writer and version they are of; single files and split ones.
#include "gguf/gguf_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <functional>

#include "gguf/writer.h"
#include "sparrow/error.h"
#include "tests/support/raw_gguf.h"
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

TEST(GgufFile, a_file_that_is_not_there_is_not_found) {
  EXPECT_EQ(refusal([] { GgufFile::open("/nonexistent.gguf"); }).code(), ErrorCode::not_found);
}

}  // namespace
}  // namespace sparrow
