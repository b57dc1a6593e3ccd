// Zeroed, page-aligned memory from the system, refused before it is taken when the machine lacks
// it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace sparrow {

// Movable owner; pages are taken from the system when they are first touched.
class Memory {
 public:
  Memory() = default;
  // `purpose` stands in the message: "the KV cache". Throws Error{out_of_memory} with the numbers.
  Memory(int64_t size_bytes, std::string_view purpose);
  // The same in pages of 2 MiB where the system has them, without which random reads of weights
  // and caches run at about half the speed (measured on virtual machines).
  static Memory huge(int64_t size_bytes, std::string_view purpose);
  ~Memory();
  Memory(Memory&& other) noexcept;
  Memory& operator=(Memory&& other) noexcept;
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;

  std::byte* data() const { return data_; }
  int64_t size_bytes() const { return size_bytes_; }

 private:
  std::byte* data_ = nullptr;
  int64_t size_bytes_ = 0;
};

}  // namespace sparrow
