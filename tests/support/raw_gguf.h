// GGUF bytes written field by field, so that a test can lie in any of them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace sparrow::test_support {

class RawGguf {
 public:
  // The header; entries and tensors follow by hand.
  explicit RawGguf(uint64_t tensor_count = 0, uint64_t entry_count = 0, uint32_t version = 3) {
    bytes("GGUF").u32(version).u64(tensor_count).u64(entry_count);
  }

  // Not even a header.
  static RawGguf empty() {
    RawGguf raw;
    raw.data_.clear();
    return raw;
  }

  RawGguf& bytes(std::string_view text) {
    for (const char c : text) data_.push_back(static_cast<std::byte>(c));
    return *this;
  }
  RawGguf& u8(uint8_t value) { return number(value, 1); }
  RawGguf& u16(uint16_t value) { return number(value, 2); }
  RawGguf& u32(uint32_t value) { return number(value, 4); }
  RawGguf& u64(uint64_t value) { return number(value, 8); }
  RawGguf& text(std::string_view value) { return u64(value.size()).bytes(value); }

  // A key and the number of its type (8 is a string, 9 an array); the value follows.
  RawGguf& key(std::string_view name, uint32_t type) { return text(name).u32(type); }
  RawGguf& array(std::string_view name, uint32_t element_type, uint64_t count) {
    return key(name, 9).u32(element_type).u64(count);
  }
  RawGguf& tensor(std::string_view name, const std::vector<uint64_t>& dims, uint32_t type,
                  uint64_t offset) {
    text(name).u32(static_cast<uint32_t>(dims.size()));
    for (const uint64_t dim : dims) u64(dim);
    return u32(type).u64(offset);
  }
  RawGguf& zeros(size_t count) {
    data_.resize(data_.size() + count);
    return *this;
  }
  RawGguf& pad_to(size_t alignment) {
    while (data_.size() % alignment != 0) data_.push_back({});
    return *this;
  }

  const std::vector<std::byte>& data() const { return data_; }

 private:
  RawGguf& number(uint64_t value, int width) {
    for (int i = 0; i < width; ++i) data_.push_back(static_cast<std::byte>(value >> (8 * i)));
    return *this;
  }

  std::vector<std::byte> data_;
};

}  // namespace sparrow::test_support
