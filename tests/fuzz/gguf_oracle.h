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

// Every typed read of every key: a value or an Error, nothing else.
inline void read_all_metadata(const Metadata& metadata) {
  const auto attempt = [](const auto& read) {
    try {
      read();
    } catch (const Error& error) {
      SPARROW_CHECK(error.code() == ErrorCode::invalid_file);
    }
  };
  for (const GgufEntry& entry : metadata.entries()) {
    attempt([&] { metadata.find_uint(entry.key); });
    attempt([&] { metadata.find_int(entry.key); });
    attempt([&] { metadata.find_float(entry.key); });
    attempt([&] { metadata.find_bool(entry.key); });
    attempt([&] { metadata.find_string(entry.key); });
    attempt([&] { metadata.find_strings(entry.key); });
    attempt([&] { metadata.find_floats(entry.key); });
    attempt([&] { metadata.find_ints(entry.key); });
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
    read_all_metadata(file->metadata());
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
