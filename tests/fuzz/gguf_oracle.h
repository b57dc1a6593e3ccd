// What must hold of any bytes that are opened as a GGUF file.
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "gguf/gguf_file.h"
#include "gguf/writer.h"
#include "sparrow/error.h"

namespace sparrow::fuzz {

// Typed reads: a value or an Error, nothing else. Two of the eight for each key, most of the wrong
// type: all would spend the time on throwing.
inline void read_metadata(const Metadata& metadata) {
  const auto read = [&](std::string_view key, size_t which) {
    switch (which % 8) {
      case 0:
        return void(metadata.find_uint(key));
      case 1:
        return void(metadata.find_int(key));
      case 2:
        return void(metadata.find_float(key));
      case 3:
        return void(metadata.find_bool(key));
      case 4:
        return void(metadata.find_string(key));
      case 5:
        return void(metadata.find_strings(key));
      case 6:
        return void(metadata.find_floats(key));
      default:
        return void(metadata.find_ints(key));
    }
  };
  for (const GgufEntry& entry : metadata.entries()) {
    for (const size_t which : {entry.key.size(), static_cast<size_t>(entry.key[0])}) {
      try {
        read(entry.key, which);
      } catch (const Error& error) {
        SPARROW_CHECK(error.code() == ErrorCode::invalid_file);
      }
    }
  }
}

inline void check_tensors(std::span<const TensorInfo> tensors, std::span<const std::byte> bytes) {
  std::vector<std::pair<const std::byte*, const std::byte*>> spans;
  for (const TensorInfo& info : tensors) {
    SPARROW_CHECK(info.data >= bytes.data());
    SPARROW_CHECK(info.size_bytes <=
                  static_cast<uint64_t>(bytes.data() + bytes.size() - info.data));
    spans.emplace_back(info.data, info.data + info.size_bytes);
  }
  std::ranges::sort(spans);
  for (size_t i = 1; i < spans.size(); ++i) SPARROW_CHECK(spans[i - 1].second <= spans[i].first);
}

// Empty where a tensor's type cannot be written.
inline std::vector<std::byte> rewrite(const GgufFile& file) {
  GgufWriter writer;
  for (const GgufEntry& entry : file.metadata().entries()) writer.add_entry(entry);
  for (const TensorInfo& info : file.tensors()) {
    if (info.format == nullptr) return {};
    writer.add_tensor(info.name, *info.format, info.shape, {info.data, info.size_bytes});
  }
  return writer.to_bytes();
}

// True if the bytes were taken.
inline bool check_gguf(std::span<const std::byte> bytes) {
  try {
    const std::shared_ptr<const GgufFile> file = GgufFile::parse(bytes, "input");
    read_metadata(file->metadata());
    check_tensors(file->tensors(), bytes);
    const std::vector<std::byte> copy = rewrite(*file);
    if (copy.empty()) return true;
    const std::shared_ptr<const GgufFile> again = GgufFile::parse(copy, "copy");
    SPARROW_CHECK(again->tensors().size() == file->tensors().size());
    SPARROW_CHECK(rewrite(*again) == copy);
    return true;
  } catch (const Error& error) {
    const std::string_view message = error.what();
    SPARROW_CHECK(error.code() == ErrorCode::invalid_file ||
                  error.code() == ErrorCode::unsupported);
    SPARROW_CHECK(message.starts_with("input: ") && message.size() < 1000);
    SPARROW_CHECK(std::ranges::none_of(message, [](char c) { return c >= 0 && c < 0x20; }));
    return false;
  }
}

}  // namespace sparrow::fuzz
