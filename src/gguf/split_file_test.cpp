// One model in several files: whichever part is named all open; missing, wrong and mixed parts are
// said to be so.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "base/error.h"
#include "gguf/gguf_file.h"
#include "gguf/split_name.h"
#include "gguf/writer.h"
#include "tests/support/test_folder.h"

namespace sparrow {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr int kParts = 3;

struct SplitPart {
  int number = 1;
  int count = kParts;
  int tensor_count = kParts;
  std::string tensor = "t1";
  std::string number_key = "split.no";
};

// One tensor a part; the model's own keys stand in the first.
void write_part(const std::string& path, const SplitPart& part) {
  GgufWriter writer;
  if (part.number == 1) writer.add_string("general.name", "split");
  writer.add_entry({part.number_key, GgufType::uint16, static_cast<uint64_t>(part.number - 1)});
  writer.add_entry({"split.count", GgufType::uint16, static_cast<uint64_t>(part.count)});
  writer.add_int32("split.tensors.count", part.tensor_count);
  writer.set_alignment(part.number == 2 ? 64 : 32);
  writer.add_tensor_f32(part.tensor, {{2, 1, 1, 1}, 1},
                        std::vector<float>{static_cast<float>(part.number), 0.5f});
  writer.write(path);
}

class SplitFiles : public testing::Test {
 protected:
  SplitFiles() {
    for (int number = 1; number <= kParts; ++number) {
      SplitPart part;
      part.number = number;
      part.tensor = "t" + std::to_string(number);
      write_part(path(number), part);
    }
  }

  std::string path(int number) const {
    return folder_.file("model-0000" + std::to_string(number) + "-of-00003.gguf");
  }

  Error refusal(int number = 1) const { return refusal_of(path(number)); }
  static Error refusal_of(const std::string& path) {
    try {
      GgufFile::open(path);
    } catch (const Error& error) {
      return error;
    }
    ADD_FAILURE() << "was taken";
    return Error(ErrorCode::internal, "");
  }

  TestFolder folder_;
};

TEST_F(SplitFiles, open_whichever_part_is_named) {
  for (int number = 1; number <= kParts; ++number) {
    const std::shared_ptr<const GgufFile> file = GgufFile::open(path(number));
    EXPECT_EQ(file->path(), path(number));
    EXPECT_EQ(file->metadata().get_string("general.name"), "split");
    ASSERT_EQ(file->tensors().size(), 3u);
    uint64_t size_bytes = 0;
    for (int i = 1; i <= kParts; ++i) {
      EXPECT_THAT(dequantize(file->tensor("t" + std::to_string(i))),
                  ElementsAre(static_cast<float>(i), 0.5f));
      size_bytes += std::filesystem::file_size(path(i));
    }
    EXPECT_EQ(file->size_bytes(), size_bytes);
  }
}

TEST_F(SplitFiles, a_missing_part_is_named) {
  std::filesystem::remove(path(2));
  const Error error = refusal(3);
  EXPECT_EQ(error.code(), ErrorCode::not_found);
  EXPECT_THAT(error.what(), HasSubstr("part 2 of 3 is needed too: cannot open " + path(2)));
}

TEST_F(SplitFiles, a_part_under_another_parts_name_is_refused) {
  std::filesystem::copy_file(path(3), path(2), std::filesystem::copy_options::overwrite_existing);
  EXPECT_THAT(
      refusal().what(),
      HasSubstr(path(2) + ": split.no must be 1 (the part number of the name, from 0), is 2"));
}

TEST_F(SplitFiles, a_part_of_another_model_is_refused) {
  write_part(path(2), {.number = 2, .tensor_count = 99, .tensor = "t2"});
  EXPECT_THAT(refusal().what(), HasSubstr("split.tensors.count must be 3 (as in part 1: are they "
                                          "one model?), is 99"));
  write_part(path(2), {.number = 2, .count = 4, .tensor = "t2"});
  EXPECT_THAT(refusal().what(), HasSubstr("split.count must be 3 (as in the part that was opened), "
                                          "is 4"));
  write_part(path(2), {.number = 2, .tensor = "t1"});
  EXPECT_THAT(refusal().what(), HasSubstr("tensor 't1' stands in an earlier part too"));
}

TEST_F(SplitFiles, a_part_that_does_not_say_which_it_is_is_refused) {
  write_part(path(2), {.number = 2, .tensor = "t2", .number_key = "other"});
  EXPECT_THAT(refusal().what(), HasSubstr("split.no must be 1 (the part number of the name, from "
                                          "0), is absent"));
}

TEST_F(SplitFiles, parts_that_lack_tensors_are_refused) {
  for (int number = 1; number <= kParts; ++number) {
    SplitPart part;
    part.number = number;
    part.tensor_count = 4;
    part.tensor = "t" + std::to_string(number);
    write_part(path(number), part);
  }
  EXPECT_THAT(refusal(2).what(),
              HasSubstr("split.tensors.count is 4, but the 3 parts hold 3 tensors"));
}

TEST_F(SplitFiles, a_part_under_a_name_without_numbers_is_refused) {
  const std::string renamed = folder_.file("model.gguf");
  std::filesystem::copy_file(path(1), renamed);
  EXPECT_THAT(refusal_of(renamed).what(),
              HasSubstr("is one of 3 parts (split.count), so its name must end in "
                        "-0000N-of-00003.gguf, with the other parts beside it"));
  const std::string other_count = folder_.file("model-00001-of-00004.gguf");
  std::filesystem::copy_file(path(1), other_count);
  EXPECT_THAT(refusal_of(other_count).what(), HasSubstr("must end in -0000N-of-00003.gguf"));
}

TEST_F(SplitFiles, a_broken_part_is_refused_under_its_own_name) {
  write_test_file(path(2), "GGUF");
  EXPECT_THAT(refusal().what(),
              testing::StartsWith(path(2) + ": version at byte 4: needs 4 bytes"));
}

TEST_F(SplitFiles, a_whole_model_under_a_parts_name_opens) {
  GgufWriter writer;
  writer.add_string("general.name", "whole");
  const std::string whole = folder_.file("whole-00001-of-00002.gguf");
  writer.write(whole);
  EXPECT_EQ(GgufFile::open(whole)->metadata().get_string("general.name"), "whole");
}

TEST(SplitName, is_five_digits_of_five_digits) {
  const std::optional<gguf::SplitName> name = gguf::parse_split_name("/m/a-b-00002-of-00010.gguf");
  ASSERT_TRUE(name);
  EXPECT_EQ(name->prefix, "/m/a-b");
  EXPECT_EQ(name->part, 2u);
  EXPECT_EQ(name->part_count, 10u);
  EXPECT_EQ(name->path_of(10), "/m/a-b-00010-of-00010.gguf");
  for (const char* other :
       {"model.gguf", "-00001-of-00002.gguf", "m-1-of-2.gguf", "m-00001-of-00002.bin",
        "m-00003-of-00002.gguf", "m-00000-of-00002.gguf", "m-0000x-of-00002.gguf",
        "m-00001-of-0000-.gguf", "m00001-of-00002.gguf", ""}) {
    EXPECT_FALSE(gguf::parse_split_name(other)) << other;
  }
}

}  // namespace
}  // namespace sparrow
