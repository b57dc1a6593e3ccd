// A GGUF model file (or its split parts) opened, checked and mapped: metadata by key, tensors by
// name. Format: the GGUF specification of the ggml project, versions 2 and 3, little-endian.
#pragma once

#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/mapped_file.h"
#include "gguf/metadata.h"
#include "tensor/tensor.h"

namespace sparrow {

// One line of the tensor directory. Its type may be one that cannot be read here: `format` is then
// null, the file still opens (inspect shows it) and GgufFile::tensor refuses it by name.
struct TensorInfo {
  std::string_view name;
  uint32_t gguf_type_id = 0;
  const Format* format = nullptr;
  Shape shape;
  const std::byte* data = nullptr;
  uint64_t size_bytes = 0;
};

// Loaded once, immutable; any thread may read.
class GgufFile {
 public:
  // Opens `path`; a name ending in -0000N-of-0000M.gguf opens all M parts, whichever is named.
  // Throws Error{not_found|io|invalid_file|unsupported} with the field, its value, its offset and
  // what is right.
  static std::shared_ptr<const GgufFile> open(const std::string& path);

  // The same checks on bytes in memory, which must outlive the result. `name` stands in messages.
  static std::shared_ptr<const GgufFile> parse(std::span<const std::byte> bytes,
                                               const std::string& name);

  const std::string& path() const { return path_; }
  uint32_t version() const { return version_; }
  uint64_t size_bytes() const { return size_bytes_; }  // all parts
  int64_t part_count() const { return parts_.empty() ? 1 : static_cast<int64_t>(parts_.size()); }
  const Metadata& metadata() const { return metadata_; }
  std::span<const TensorInfo> tensors() const { return tensors_; }  // file order

  const TensorInfo* find_tensor(std::string_view name) const;  // null if absent
  Tensor tensor(std::string_view name) const;  // throws if absent or of an unreadable type

  // SHA-256 of the file's bytes, of all parts one after another, in hex. Reads all of it.
  std::string sha256() const;

  // The tensor's bytes have been copied: the memory of its pages goes back to the system. They can
  // still be read, from the file anew.
  void release(const Tensor& tensor) const;

 private:
  friend class GgufReader;
  GgufFile() = default;
  std::string path_;
  uint32_t version_ = 0;
  uint64_t size_bytes_ = 0;
  std::vector<MappedFile> parts_;
  std::span<const std::byte> bytes_;  // of one that was parsed in memory
  Metadata metadata_;
  std::vector<TensorInfo> tensors_;
  std::map<std::string_view, size_t> tensor_index_;
};

}  // namespace sparrow
