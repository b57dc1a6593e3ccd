// Writes GGUF version 3 files: for tests, converters and the quantizer.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gguf/metadata.h"
#include "tensor/tensor.h"

namespace sparrow {

// Collects, then writes in one go: to `path` by way of PATH.partial and a rename, so that no
// half file ever stands there, or to bytes. Not thread-safe.
class GgufWriter {
 public:
  void add_uint32(std::string_view key, uint32_t value);
  void add_uint64(std::string_view key, uint64_t value);
  void add_int32(std::string_view key, int32_t value);
  void add_float32(std::string_view key, float value);
  void add_bool(std::string_view key, bool value);
  void add_string(std::string_view key, std::string_view value);
  void add_strings(std::string_view key, std::span<const std::string> values);
  void add_int32s(std::string_view key, std::span<const int32_t> values);
  void add_float32s(std::string_view key, std::span<const float> values);
  void add_entry(const GgufEntry& entry);  // copies any entry of another file

  // The bytes are copied. `format` decides how many are wanted; a mismatch is a bug of the caller.
  void add_tensor(std::string_view name, const Format& format, const Shape& shape,
                  std::span<const std::byte> data);
  void add_tensor_f32(std::string_view name, const Shape& shape, std::span<const float> values);

  // Default 32 (general.alignment is written when it differs).
  void set_alignment(uint32_t alignment);

  std::vector<std::byte> to_bytes() const;
  void write(const std::string& path) const;

 private:
  struct PendingTensor {
    std::string name;
    const Format* format;
    Shape shape;
    std::vector<std::byte> data;
  };
  std::vector<std::byte> encode_head() const;

  std::vector<std::byte> entries_;  // encoded
  uint64_t entry_count_ = 0;
  uint32_t alignment_ = 32;
  std::vector<PendingTensor> tensors_;
};

}  // namespace sparrow
