#include "store/blob_upload.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "base/error.h"
#include "tests/support/test_folder.h"

namespace sparrow {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class BlobUploadTest : public testing::Test {
 protected:
  int64_t file_count() const {
    const fs::path folder = fs::path(store_.blob_path(digest_)).parent_path();
    return std::distance(fs::directory_iterator(folder), fs::directory_iterator());
  }

  TestFolder folder_;
  Store store_{folder_.path()};
  const std::string digest_ = sha256_hex("some text");
};

TEST_F(BlobUploadTest, is_a_blob_once_it_is_finished) {
  BlobUpload upload(store_, digest_, 9);
  upload.write("some ");
  upload.write("text");
  EXPECT_FALSE(fs::exists(store_.blob_path(digest_)));
  upload.finish();
  EXPECT_EQ(read_small_file(store_.blob_path(digest_), 100), "some text");
  EXPECT_EQ(file_count(), 1);
}

TEST_F(BlobUploadTest, leaves_nothing_if_it_is_given_up_or_is_something_else) {
  {
    BlobUpload upload(store_, digest_, 0);
    upload.write("some ");
    EXPECT_EQ(file_count(), 1);
  }
  EXPECT_EQ(file_count(), 0);
  {
    BlobUpload upload(store_, digest_, 0);
    upload.write("other text");
    try {
      upload.finish();
      FAIL() << "took another text";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::invalid_argument);
      EXPECT_THAT(error.what(), HasSubstr("digest mismatch, expected sha256:" + digest_));
    }
  }
  EXPECT_EQ(file_count(), 0);
}

TEST_F(BlobUploadTest, two_of_one_blob_do_not_meet) {
  BlobUpload one(store_, digest_, 0), two(store_, digest_, 0);
  one.write("some ");
  two.write("some text");
  two.finish();
  one.write("text");
  one.finish();
  EXPECT_EQ(read_small_file(store_.blob_path(digest_), 100), "some text");
}

TEST_F(BlobUploadTest, is_refused_before_it_begins_where_the_disk_has_no_room) {
  EXPECT_THROW(BlobUpload(store_, digest_, uint64_t{1} << 60), Error);
  EXPECT_EQ(file_count(), 0);
}

TEST_F(BlobUploadTest, what_a_process_that_died_has_left_goes_after_a_day) {
  const fs::path folder = fs::path(store_.blob_path(digest_)).parent_path();
  fs::create_directories(folder);
  std::ofstream(folder / ".upload-old") << "x";
  std::ofstream(folder / ".upload-new") << "x";
  fs::last_write_time(folder / ".upload-old",
                      fs::file_time_type::clock::now() - std::chrono::hours(25));
  delete_abandoned_uploads(folder);
  EXPECT_FALSE(fs::exists(folder / ".upload-old"));
  EXPECT_TRUE(fs::exists(folder / ".upload-new"));
}

}  // namespace
}  // namespace sparrow
