// The few file operations the store is built on: whole-or-nothing writes, locks, and errors that
// name the path, the system's reason and what to do.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>

namespace sparrow {

// Throws Error{io}: "cannot write /x/y: Permission denied; …".
[[noreturn]] void fail_disk(std::string_view doing, const std::string& path, int error_number);

// An open file, closed at the end. Movable.
class OpenFile {
 public:
  OpenFile() = default;
  // `flags` as of open(2). Throws Error{io}.
  OpenFile(const std::string& path, int flags);
  explicit OpenFile(int descriptor) : descriptor_(descriptor) {}
  ~OpenFile();
  OpenFile(OpenFile&& other) noexcept;
  OpenFile& operator=(OpenFile&& other) noexcept;
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;

  int descriptor() const { return descriptor_; }
  bool is_open() const { return descriptor_ >= 0; }
  void close();

 private:
  int descriptor_ = -1;
};

// Writes all bytes, over short writes and interrupted calls. Throws Error{io}.
void write_all(const OpenFile& file, const void* data, size_t size_bytes, const std::string& path);

// To the disk itself, not only to the system's memory.
void sync_file(const OpenFile& file, const std::string& path);
void sync_folder(const std::string& folder);

// The file appears whole or not at all, and survives a power cut once this returns. Makes the
// folders above it.
void write_file_whole(const std::string& path, std::string_view text);

// Throws Error{invalid_file} if it is longer than `max_bytes`, Error{io|not_found} otherwise.
std::string read_small_file(const std::string& path, uint64_t max_bytes);

void make_folders(const std::string& path);
uint64_t free_bytes(const std::string& folder);  // for this user; of the nearest folder that exists

// Throws Error{io} naming needed and free bytes unless `needed_bytes` and 2 % more fit.
void check_free_bytes(const std::string& folder, uint64_t needed_bytes);

// Held by one process at a time, for the object's life; the system frees it when the process dies.
class FileLock {
 public:
  // Makes the file. Waits for other holders.
  explicit FileLock(const std::string& path);

 private:
  OpenFile file_;
};

std::string human_bytes(uint64_t bytes);  // "1.1 GB", as Ollama counts: decimal

}  // namespace sparrow
