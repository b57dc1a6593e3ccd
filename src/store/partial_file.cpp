#include "store/partial_file.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <optional>

#include "base/error.h"
#include "base/json.h"

namespace sparrow {
namespace {

constexpr uint64_t kMaxJournalBytes = uint64_t{16} << 20;

bool is_same_file(const OpenFile& file, const std::string& path) {
  struct stat mine {};
  struct stat named {};
  return ::fstat(file.descriptor(), &mine) == 0 && ::stat(path.c_str(), &named) == 0 &&
         mine.st_dev == named.st_dev && mine.st_ino == named.st_ino;
}

}  // namespace

PartialFile::PartialFile(const std::string& blob_path, const std::string& digest,
                         uint64_t size_bytes, const std::function<void()>& wait)
    : path_(blob_path + "-partial"),
      journal_path_(path_ + ".journal"),
      digest_(digest),
      wanted_bytes_(size_bytes) {
  make_folders(std::filesystem::path(path_).parent_path());
  for (;;) {
    OpenFile file(path_, O_RDWR | O_CREAT);
    if (::flock(file.descriptor(), LOCK_EX | LOCK_NB) == 0) {
      // The former holder may have renamed or deleted what was opened.
      if (is_same_file(file, path_)) {
        file_ = std::move(file);
        break;
      }
    } else if (errno != EWOULDBLOCK && errno != EINTR) {
      fail_disk("lock", path_, errno);
    } else {
      wait();
      ::poll(nullptr, 0, 100);
    }
    std::error_code error;
    if (std::filesystem::is_regular_file(blob_path, error)) return;
  }
  read_journal();
}

PartialFile::~PartialFile() {
  if (file_.is_open() && size_bytes_ == 0) discard();
}

void PartialFile::read_journal() {
  std::vector<std::string> chunks;
  try {
    std::string text = read_small_file(journal_path_, kMaxJournalBytes);
    bool is_head = true;
    // A line that a crash cut short has no end, and is not taken.
    for (size_t end = text.find('\n'); end != std::string::npos; end = text.find('\n')) {
      const Json line = parse_json(text.substr(0, end), "a line");
      text.erase(0, end + 1);
      if (!line.is_object()) break;
      if (is_head) {
        if (line.value("digest", "") != digest_ ||
            line.value("size_bytes", Json()) != wanted_bytes_ ||
            line.value("chunk_bytes", Json()) != kChunkBytes) {
          break;
        }
        is_head = false;
      } else if (line.contains("chunk")) {
        chunks.push_back(line.value("chunk", ""));
      } else if (line.contains("etag")) {
        etags_[line.value("from", "")] = line.value("etag", "");
      }
    }
  } catch (const Error&) {
    // No journal, or one that is damaged: what it told so far still counts.
  } catch (const Json::exception&) {
  }
  keep_checked_chunks(chunks);
}

void PartialFile::keep_checked_chunks(const std::vector<std::string>& chunks) {
  std::vector<std::byte> buffer(chunks.empty() ? 0 : kChunkBytes);
  std::vector<std::string> kept;
  for (const std::string& wanted : chunks) {
    size_t filled = 0;
    while (filled < buffer.size()) {
      const ssize_t count =
          ::pread(file_.descriptor(), buffer.data() + filled, buffer.size() - filled,
                  static_cast<off_t>(size_bytes_ + filled));
      if (count < 0 && errno == EINTR) continue;
      if (count <= 0) break;
      filled += static_cast<size_t>(count);
    }
    if (filled < buffer.size()) break;
    chunk_hash_.update(buffer);
    if (chunk_hash_.finish_hex() != wanted || size_bytes_ + kChunkBytes > wanted_bytes_) break;
    whole_hash_.update(buffer);
    size_bytes_ += kChunkBytes;
    kept.push_back(wanted);
  }
  if (::ftruncate(file_.descriptor(), static_cast<off_t>(size_bytes_)) != 0) {
    fail_disk("write", path_, errno);
  }
  write_journal_head();
  for (const std::string& chunk : kept) add_to_journal(Json{{"chunk", chunk}}.dump());
  if (!kept.empty()) {
    piece_count_ = 1;
    for (const auto& [from, etag] : etags_) {
      add_to_journal(Json{{"from", from}, {"etag", etag}}.dump());
    }
  } else {
    etags_.clear();
  }
}

void PartialFile::write_journal_head() {
  journal_ = OpenFile(journal_path_, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND);
  add_to_journal(
      Json{{"digest", digest_}, {"size_bytes", wanted_bytes_}, {"chunk_bytes", kChunkBytes}}
          .dump());
}

void PartialFile::add_to_journal(const std::string& line) {
  const std::string text = line + "\n";
  write_all(journal_, text.data(), text.size(), journal_path_);
}

std::string PartialFile::etag_of(const std::string& address) const {
  const auto found = etags_.find(address);
  return found == etags_.end() ? "" : found->second;
}

void PartialFile::set_etag(const std::string& address, const std::string& etag) {
  if (etag_of(address) == etag) return;
  etags_[address] = etag;
  add_to_journal(
      Json{{"from", address}, {"etag", etag}}.dump(-1, ' ', false, Json::error_handler_t::replace));
}

void PartialFile::append(std::span<const std::byte> bytes) {
  SPARROW_CHECK(bytes.size() <= wanted_bytes_ - size_bytes_);
  while (!bytes.empty()) {
    const uint64_t left_in_chunk = kChunkBytes - size_bytes_ % kChunkBytes;
    const std::span<const std::byte> piece =
        bytes.first(std::min<uint64_t>(bytes.size(), left_in_chunk));
    size_t written = 0;
    while (written < piece.size()) {
      const ssize_t count =
          ::pwrite(file_.descriptor(), piece.data() + written, piece.size() - written,
                   static_cast<off_t>(size_bytes_ + written));
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) fail_disk("write", path_, errno);
      written += static_cast<size_t>(count);
    }
    whole_hash_.update(piece);
    chunk_hash_.update(piece);
    size_bytes_ += piece.size();
    if (size_bytes_ % kChunkBytes == 0) {
      add_to_journal(Json{{"chunk", chunk_hash_.finish_hex()}}.dump());
    }
    bytes = bytes.subspan(piece.size());
  }
}

void PartialFile::restart() {
  if (::ftruncate(file_.descriptor(), 0) != 0) fail_disk("write", path_, errno);
  size_bytes_ = 0;
  piece_count_ = 0;
  whole_hash_ = Sha256();
  chunk_hash_ = Sha256();
  etags_.clear();
  write_journal_head();
}

bool PartialFile::verify() {
  SPARROW_CHECK(size_bytes_ == wanted_bytes_);
  Sha256 finished;
  std::swap(finished, whole_hash_);
  if (finished.finish_hex() != digest_) return false;
  sync_file(file_, path_);
  return true;
}

void PartialFile::finish() {
  ::unlink(journal_path_.c_str());
  file_.close();
}

void PartialFile::discard() {
  ::unlink(journal_path_.c_str());
  ::unlink(path_.c_str());
  file_.close();
}

bool delete_partial_file(const std::string& blob_path) {
  const std::string path = blob_path + "-partial";
  std::error_code error;
  if (!std::filesystem::exists(path, error)) return false;
  const OpenFile file(path, O_RDWR);
  if (::flock(file.descriptor(), LOCK_EX | LOCK_NB) != 0) {
    fail(ErrorCode::io, "{} is being downloaded by another process", path);
  }
  ::unlink((path + ".journal").c_str());
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) fail_disk("delete", path, errno);
  return true;
}

}  // namespace sparrow
