// A download under way: the bytes so far beside a journal of their hashes, so that a later run goes
// on from bytes it has checked, never from a file's size.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "base/hash.h"
#include "store/disk.h"

namespace sparrow {

// `<blob>-partial` and `<blob>-partial.journal`. One process at a time holds it; it is never a
// model. The journal's lines are JSON objects: the file that is wanted, then the SHA-256 of each
// whole chunk, and the ETag of each address that bytes came from. Used by one thread.
class PartialFile {
 public:
  static constexpr uint64_t kChunkBytes = uint64_t{8} << 20;

  // Takes the lock, calling `wait` about ten times a second while another process has it. If that
  // one finishes the blob, the object is empty: `is_open()` is false. Keeps the chunks that match
  // the journal, drops the rest.
  PartialFile(const std::string& blob_path, const std::string& digest, uint64_t size_bytes,
              const std::function<void()>& wait);
  // Without a byte there is nothing to keep: then no file is left.
  ~PartialFile();
  PartialFile(const PartialFile&) = delete;
  PartialFile& operator=(const PartialFile&) = delete;

  bool is_open() const { return file_.is_open(); }
  const std::string& path() const { return path_; }
  uint64_t size_bytes() const { return size_bytes_; }      // so far
  uint64_t wanted_bytes() const { return wanted_bytes_; }  // of the whole file

  // The ETag that this address gave when bytes of it were kept; empty if none is known.
  std::string etag_of(const std::string& address) const;
  void set_etag(const std::string& address, const std::string& etag);

  // The bytes that follow come from another response than those before. When several make the file,
  // wrong bytes of one can spoil it.
  void begin_piece() { ++piece_count_; }
  bool is_pieced() const { return piece_count_ > 1; }

  // More than `wanted_bytes` is a bug of the caller.
  void append(std::span<const std::byte> bytes);
  void restart();  // from nothing

  // When whole: is it the wanted file? Syncs it to the disk if so.
  bool verify();
  // The blob has its name; the journal goes.
  void finish();
  // Deletes both files.
  void discard();

 private:
  void read_journal();
  void keep_checked_chunks(const std::vector<std::string>& chunks);
  void write_journal_head();
  void add_to_journal(const std::string& line);

  std::string path_;
  std::string journal_path_;
  std::string digest_;
  uint64_t wanted_bytes_ = 0;
  uint64_t size_bytes_ = 0;
  int piece_count_ = 0;  // a former run's bytes count as one
  OpenFile file_;
  OpenFile journal_;
  Sha256 whole_hash_;
  Sha256 chunk_hash_;
  std::map<std::string, std::string> etags_;
};

// Deletes what an unfinished download of this blob left; false if there was nothing. Throws
// Error{io} if a process is at it.
bool delete_partial_file(const std::string& blob_path);

}  // namespace sparrow
