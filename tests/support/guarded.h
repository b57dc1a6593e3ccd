// Memory whose neighbours nobody may touch.
#pragma once

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>

namespace sparrow::test_support {

// `count` values between two pages that nobody may read.
template <typename T>
class Guarded {
 public:
  enum class Side { begin, end };  // which page they touch
  explicit Guarded(int64_t count, Side side = Side::end) {
    const size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
    const size_t bytes = static_cast<size_t>(count) * sizeof(T);
    const size_t inside = (bytes + page - 1) / page * page;
    size_ = inside + 2 * page;
    void* mapped = mmap(nullptr, size_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    EXPECT_NE(mapped, MAP_FAILED);
    all_ = static_cast<char*>(mapped);
    EXPECT_EQ(mprotect(all_ + page, inside, PROT_READ | PROT_WRITE), 0);
    data_ = reinterpret_cast<T*>(all_ + page + (side == Side::end ? inside - bytes : 0));
  }
  ~Guarded() { munmap(all_, size_); }
  Guarded(const Guarded&) = delete;
  Guarded& operator=(const Guarded&) = delete;
  T* data() const { return data_; }

 private:
  char* all_ = nullptr;
  size_t size_ = 0;
  T* data_ = nullptr;
};

}  // namespace sparrow::test_support
