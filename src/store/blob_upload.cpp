#include "store/blob_upload.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <filesystem>

#include "base/error.h"

namespace sparrow {
namespace {

namespace fs = std::filesystem;

// The leading dot keeps it from being taken for a blob.
constexpr std::string_view kPrefix = ".upload-";

}  // namespace

BlobUpload::BlobUpload(const Store& store, const std::string& digest, uint64_t expected_bytes)
    : digest_(digest), path_(store.blob_path(digest)) {
  static std::atomic<int64_t> count = 0;
  const fs::path folder = fs::path(path_).parent_path();
  make_folders(folder);
  if (expected_bytes > 0) check_free_bytes(folder, expected_bytes);
  temporary_ = folder / fmt::format("{}{}-{}-{}", kPrefix, digest, ::getpid(), count++);
  file_ = OpenFile(temporary_, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW);
}

BlobUpload::~BlobUpload() {
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

void BlobUpload::write(std::string_view bytes) {
  write_all(file_, bytes.data(), bytes.size(), temporary_);
  hash_.update(bytes);
}

void BlobUpload::finish() {
  const std::string actual = hash_.finish_hex();
  if (actual != digest_) {
    fail(ErrorCode::invalid_argument, "digest mismatch, expected sha256:{}, got sha256:{}", digest_,
         actual);
  }
  sync_file(file_, temporary_);
  file_.close();
  if (std::rename(temporary_.c_str(), path_.c_str()) != 0) fail_disk("write", path_, errno);
  temporary_.clear();
  sync_folder(fs::path(path_).parent_path());
}

void delete_abandoned_uploads(const std::string& folder) {
  constexpr std::chrono::hours kLong{24};
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder, error)) {
    const std::string name = entry.path().filename();
    if (!name.starts_with(kPrefix)) continue;
    const fs::file_time_type written_at = entry.last_write_time(error);
    if (!error && fs::file_time_type::clock::now() - written_at > kLong)
      fs::remove(entry.path(), error);
  }
}

}  // namespace sparrow
