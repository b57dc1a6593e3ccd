// A blob that comes in pieces from whoever has it, and is in the store once it is whole.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/hash.h"
#include "store/disk.h"
#include "store/store.h"

namespace sparrow {

// One thread at a time. Without finish() nothing is left behind.
class BlobUpload {
 public:
  // `digest`: 64 hex digits. Throws Error{io} if the store cannot be written, or has no room for
  // `expected_bytes` (0: unknown).
  BlobUpload(const Store& store, const std::string& digest, uint64_t expected_bytes);
  ~BlobUpload();
  BlobUpload(const BlobUpload&) = delete;
  BlobUpload& operator=(const BlobUpload&) = delete;

  // Throws Error{io}.
  void write(std::string_view bytes);
  // Throws Error{invalid_argument}, with both digests, if the bytes have another; Error{io}.
  void finish();

 private:
  const std::string digest_;
  const std::string path_;
  std::string temporary_;  // empty once it is done
  OpenFile file_;
  Sha256 hash_;
};

// Files that uploads which never ended have left in this folder of blobs: those that nothing was
// written to for a day.
void delete_abandoned_uploads(const std::string& folder);

}  // namespace sparrow
