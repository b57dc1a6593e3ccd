// Many short strings in one block of memory, by number.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace sparrow {

// Grows while it is loaded, then only read; any thread may read.
class StringArena {
 public:
  void reserve(size_t count, size_t size_bytes) {
    ends_.reserve(count);
    text_.reserve(size_bytes);
  }
  // All strings together stay below 4 GiB.
  void push(std::string_view text) {
    text_ += text;
    SPARROW_CHECK(text_.size() <= UINT32_MAX);
    ends_.push_back(static_cast<uint32_t>(text_.size()));
  }
  size_t size() const { return ends_.size(); }
  // Valid until the next push.
  std::string_view operator[](size_t index) const {
    const size_t begin = index == 0 ? 0 : ends_[index - 1];
    return std::string_view(text_).substr(begin, ends_[index] - begin);
  }

 private:
  std::string text_;
  std::vector<uint32_t> ends_;
};

}  // namespace sparrow
