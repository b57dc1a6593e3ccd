#include "apps/cli/npy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>

#include "sparrow/error.h"
#include "tests/support/test_folder.h"

namespace sparrow::cli {
namespace {

TEST(Npy, is_a_header_of_whole_64_bytes_and_the_values) {
  const TestFolder folder;
  const std::string path = folder.file("a.npy");
  NpyWriter npy(path, {2, 3});
  npy.write(std::vector<float>{1, 2, 3, 4});
  npy.write(std::vector<float>{5, 6});
  npy.finish();
  const std::string text = read_test_file(path);
  ASSERT_EQ(text.size(), 128 + 6 * sizeof(float));
  EXPECT_EQ(text.substr(0, 10), std::string("\x93NUMPY\x01\0\x76\0", 10));
  EXPECT_THAT(text.substr(10),
              testing::StartsWith("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }"));
  EXPECT_EQ(text[127], '\n');
  float last = 0;
  std::memcpy(&last, text.data() + text.size() - sizeof(float), sizeof(float));
  EXPECT_EQ(last, 6);
}

TEST(Npy, one_dimension_is_written_as_python_writes_a_tuple_of_one) {
  const TestFolder folder;
  NpyWriter npy(folder.file("a.npy"), {1});
  npy.write(std::vector<float>{1});
  npy.finish();
  EXPECT_THAT(read_test_file(folder.file("a.npy")), testing::HasSubstr("'shape': (1,), }"));
}

TEST(Npy, a_file_that_was_not_finished_is_gone) {
  const TestFolder folder;
  {
    NpyWriter npy(folder.file("a.npy"), {2});
    npy.write(std::vector<float>{1});
  }
  EXPECT_FALSE(std::filesystem::exists(folder.file("a.npy")));
}

TEST(Npy, a_folder_that_is_not_there_is_an_error_of_the_disk) {
  try {
    NpyWriter npy("/nonexistent/a.npy", {1});
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::io);
  }
}

}  // namespace
}  // namespace sparrow::cli
