#include "backend/cpu/memory.h"

#include <sys/mman.h>

#include <utility>

#include "base/error.h"
#include "base/memory_info.h"

namespace sparrow {

Memory::Memory(int64_t size_bytes, std::string_view purpose) : size_bytes_(size_bytes) {
  SPARROW_CHECK(size_bytes >= 0);
  if (size_bytes == 0) return;
  const int64_t available = available_memory_bytes();
  void* mapped = MAP_FAILED;
  if (size_bytes <= available) {
    mapped = mmap(nullptr, static_cast<size_t>(size_bytes), PROT_READ | PROT_WRITE,
                  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  }
  if (mapped == MAP_FAILED) {
    fail(ErrorCode::out_of_memory, "{} needs {}, but {} of memory is available", purpose,
         format_bytes(size_bytes), format_bytes(available));
  }
  data_ = static_cast<std::byte*>(mapped);
}

Memory Memory::huge(int64_t size_bytes, std::string_view purpose) {
  Memory memory(size_bytes, purpose);
#ifdef MADV_HUGEPAGE
  // Only advice: where it is refused, the pages are small.
  if (memory.data_ != nullptr)
    madvise(memory.data_, static_cast<size_t>(size_bytes), MADV_HUGEPAGE);
#endif
  return memory;
}

Memory::~Memory() {
  if (data_ != nullptr) munmap(data_, static_cast<size_t>(size_bytes_));
}

Memory::Memory(Memory&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)),
      size_bytes_(std::exchange(other.size_bytes_, 0)) {}

Memory& Memory::operator=(Memory&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_bytes_, other.size_bytes_);
  return *this;
}

}  // namespace sparrow
