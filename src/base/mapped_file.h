// A file mapped read-only into memory.
#pragma once

#include <cstddef>
#include <span>
#include <string>

namespace sparrow {

// Immutable once made; any thread may read. Not copyable, movable.
class MappedFile {
 public:
  // Throws Error{not_found} or Error{io} with the path and the system's reason. A directory is
  // refused; an empty file maps to no bytes.
  explicit MappedFile(const std::string& path);
  ~MappedFile();
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  // Gives back the memory of the whole pages inside `part`, a piece of bytes(); they are read from
  // the file again when they are touched.
  void release(std::span<const std::byte> part) const;

  std::span<const std::byte> bytes() const { return {data_, size_}; }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
  const std::byte* data_ = nullptr;
  size_t size_ = 0;
};

}  // namespace sparrow
