#include "store/disk.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "base/error.h"

namespace sparrow {

void fail_disk(std::string_view doing, const std::string& path, int error_number) {
  std::string_view advice;
  switch (error_number) {
    case EACCES:
    case EPERM:
    case EROFS:
      advice = "; SPARROW_HOME can name a folder that this user may write";
      break;
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
      advice = "; free some space, or let SPARROW_HOME name a folder on a larger disk";
      break;
    default:
      break;
  }
  fail(ErrorCode::io, "cannot {} {}: {}{}", doing, path, std::strerror(error_number), advice);
}

OpenFile::OpenFile(const std::string& path, int flags) {
  do {
    descriptor_ = ::open(path.c_str(), flags | O_CLOEXEC, 0644);
  } while (descriptor_ < 0 && errno == EINTR);
  if (descriptor_ < 0) fail_disk((flags & O_ACCMODE) == O_RDONLY ? "open" : "write", path, errno);
}

OpenFile::~OpenFile() { close(); }

OpenFile::OpenFile(OpenFile&& other) noexcept : descriptor_(other.descriptor_) {
  other.descriptor_ = -1;
}

OpenFile& OpenFile::operator=(OpenFile&& other) noexcept {
  if (this != &other) {
    close();
    descriptor_ = other.descriptor_;
    other.descriptor_ = -1;
  }
  return *this;
}

void OpenFile::close() {
  if (descriptor_ >= 0) ::close(descriptor_);
  descriptor_ = -1;
}

void write_all(const OpenFile& file, const void* data, size_t size_bytes, const std::string& path) {
  const char* at = static_cast<const char*>(data);
  while (size_bytes > 0) {
    const ssize_t written = ::write(file.descriptor(), at, size_bytes);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail_disk("write", path, errno);
    at += written;
    size_bytes -= static_cast<size_t>(written);
  }
}

void sync_file(const OpenFile& file, const std::string& path) {
  if (::fsync(file.descriptor()) != 0) fail_disk("write", path, errno);
}

void sync_folder(const std::string& folder) {
  const OpenFile file(folder, O_RDONLY | O_DIRECTORY);
  // Some file systems cannot sync a folder; there the rename itself has to do.
  if (::fsync(file.descriptor()) != 0 && errno != EINVAL) fail_disk("write", folder, errno);
}

void write_file_whole(const std::string& path, std::string_view text) {
  const std::filesystem::path target(path);
  make_folders(target.parent_path());
  // The leading dot keeps an unfinished file from being taken for a tag or a blob.
  const std::string temporary =
      target.parent_path() / fmt::format(".{}.{}", target.filename().string(), ::getpid());
  try {
    const OpenFile file(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW);
    write_all(file, text.data(), text.size(), path);
    sync_file(file, path);
    if (::rename(temporary.c_str(), path.c_str()) != 0) fail_disk("write", path, errno);
  } catch (const Error&) {
    ::unlink(temporary.c_str());
    throw;
  }
  sync_folder(target.parent_path());
}

std::string read_small_file(const std::string& path, uint64_t max_bytes) {
  int descriptor = -1;
  do {
    // Not blocking: a pipe put where a file should be must not hang the reader.
    descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  } while (descriptor < 0 && errno == EINTR);
  if (descriptor < 0 && errno == ENOENT) fail(ErrorCode::not_found, "there is no file {}", path);
  if (descriptor < 0) fail_disk("read", path, errno);
  const OpenFile file(descriptor);
  struct stat status {};
  if (::fstat(descriptor, &status) != 0) fail_disk("read", path, errno);
  if (!S_ISREG(status.st_mode)) fail(ErrorCode::invalid_file, "{} is not a regular file", path);
  std::string text;
  std::array<char, 65536> buffer;
  for (;;) {
    const ssize_t count = ::read(descriptor, buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) fail_disk("read", path, errno);
    if (count == 0) return text;
    text.append(buffer.data(), static_cast<size_t>(count));
    if (text.size() > max_bytes) {
      fail(ErrorCode::invalid_file, "{} has more than {} bytes, too many for what it should be",
           path, max_bytes);
    }
  }
}

void make_folders(const std::string& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (error) fail_disk("make the folder", path, error.value());
}

uint64_t free_bytes(const std::string& folder) {
  std::filesystem::path at = std::filesystem::absolute(folder);
  struct statvfs status {};
  while (::statvfs(at.c_str(), &status) != 0) {
    if (errno == EINTR) continue;
    if (errno != ENOENT || at == at.parent_path()) fail_disk("measure", at, errno);
    at = at.parent_path();
  }
  return static_cast<uint64_t>(status.f_bavail) * status.f_frsize;
}

void check_free_bytes(const std::string& folder, uint64_t needed_bytes) {
  const uint64_t wanted = needed_bytes + needed_bytes / 50;
  const uint64_t available = free_bytes(folder);
  if (available >= wanted) return;
  fail(ErrorCode::io,
       "the disk of {} is too full: {} ({} bytes) are needed, {} ({} bytes) are free; free some "
       "space, or let SPARROW_HOME name a folder on a larger disk",
       folder, human_bytes(wanted), wanted, human_bytes(available), available);
}

FileLock::FileLock(const std::string& path) {
  make_folders(std::filesystem::path(path).parent_path());
  file_ = OpenFile(path, O_RDWR | O_CREAT);
  while (::flock(file_.descriptor(), LOCK_EX) != 0) {
    if (errno != EINTR) fail_disk("lock", path, errno);
  }
}

std::string human_bytes(uint64_t bytes) {
  constexpr std::array<const char*, 6> kUnits = {"B", "KB", "MB", "GB", "TB", "PB"};
  double value = static_cast<double>(bytes);
  size_t unit = 0;
  while (value >= 1000 && unit + 1 < kUnits.size()) {
    value /= 1000;
    ++unit;
  }
  if (unit == 0) return fmt::format("{} B", bytes);
  return fmt::format("{:.{}f} {}", value, value < 10 ? 1 : 0, kUnits[unit]);
}

}  // namespace sparrow
