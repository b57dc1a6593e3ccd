#include "gguf/writer.h"

#include <fcntl.h>
#include <unistd.h>

#include <bit>
#include <cerrno>
#include <cstdio>

#include "base/error.h"
#include "gguf/limits.h"
#include "gguf/metadata_reader.h"

namespace sparrow {
namespace {

constexpr std::string_view kAlignmentKey = "general.alignment";

void append_bytes(std::vector<std::byte>& out, const void* data, size_t count) {
  const size_t start = out.size();
  out.resize(start + count);
  if (count > 0) std::memcpy(out.data() + start, data, count);
}

template <typename T>
void append(std::vector<std::byte>& out, T value) {
  append_bytes(out, &value, sizeof(T));
}

void append_string(std::vector<std::byte>& out, std::string_view text) {
  append(out, uint64_t{text.size()});
  append_bytes(out, text.data(), text.size());
}

void append_key(std::vector<std::byte>& out, std::string_view key, GgufType type) {
  append_string(out, key);
  append(out, static_cast<uint32_t>(type));
}

void append_array_head(std::vector<std::byte>& out, std::string_view key, GgufType element_type,
                       uint64_t count) {
  append_key(out, key, GgufType::array);
  append(out, static_cast<uint32_t>(element_type));
  append(out, count);
}

// Integers are kept at 64 bits; the low bytes are the value at its own width.
void append_scalar(std::vector<std::byte>& out, const GgufEntry& entry) {
  const size_t width = gguf::value_bytes(entry.type);
  if (const auto* number = std::get_if<uint64_t>(&entry.value))
    return append_bytes(out, number, width);
  if (const auto* number = std::get_if<int64_t>(&entry.value))
    return append_bytes(out, number, width);
  if (const auto* flag = std::get_if<bool>(&entry.value)) return append(out, uint8_t{*flag});
  if (const auto* text = std::get_if<std::string_view>(&entry.value))
    return append_string(out, *text);
  const double number = std::get<double>(entry.value);
  if (entry.type == GgufType::float64) return append(out, number);
  append(out, static_cast<float>(number));
}

uint64_t padding(uint64_t size_bytes, uint64_t alignment) {
  return (alignment - size_bytes % alignment) % alignment;
}

// A file that appears under its name only when it is whole.
class NewFile {
 public:
  explicit NewFile(const std::string& path) : path_(path), partial_path_(path + ".partial") {
    descriptor_ = ::open(partial_path_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (descriptor_ < 0) fail_with_reason("cannot create");
  }
  ~NewFile() {
    if (descriptor_ < 0) return;
    ::close(descriptor_);
    ::unlink(partial_path_.c_str());
  }
  NewFile(const NewFile&) = delete;
  NewFile& operator=(const NewFile&) = delete;

  void write(std::span<const std::byte> bytes) {
    while (!bytes.empty()) {
      const ssize_t written = ::write(descriptor_, bytes.data(), bytes.size());
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) fail_with_reason("cannot write");
      bytes = bytes.subspan(static_cast<size_t>(written));
    }
  }

  void finish() {
    if (::fsync(descriptor_) != 0) fail_with_reason("cannot write");
    if (::rename(partial_path_.c_str(), path_.c_str()) != 0) fail_with_reason("cannot rename to");
    ::close(descriptor_);
    descriptor_ = -1;
  }

 private:
  [[noreturn]] void fail_with_reason(std::string_view what) const {
    fail(ErrorCode::io, "{} {}: {}", what, path_, std::strerror(errno));
  }

  std::string path_;
  std::string partial_path_;
  int descriptor_ = -1;
};

}  // namespace

void GgufWriter::add_uint32(std::string_view key, uint32_t value) {
  add_entry({key, GgufType::uint32, uint64_t{value}});
}

void GgufWriter::add_uint64(std::string_view key, uint64_t value) {
  add_entry({key, GgufType::uint64, value});
}

void GgufWriter::add_int32(std::string_view key, int32_t value) {
  add_entry({key, GgufType::int32, int64_t{value}});
}

void GgufWriter::add_float32(std::string_view key, float value) {
  add_entry({key, GgufType::float32, double{value}});
}

void GgufWriter::add_bool(std::string_view key, bool value) {
  add_entry({key, GgufType::boolean, value});
}

void GgufWriter::add_string(std::string_view key, std::string_view value) {
  add_entry({key, GgufType::string, value});
}

void GgufWriter::add_strings(std::string_view key, std::span<const std::string> values) {
  add_entry({key, GgufType::array, std::vector<std::string_view>(values.begin(), values.end())});
}

void GgufWriter::add_int32s(std::string_view key, std::span<const int32_t> values) {
  const auto* data = reinterpret_cast<const std::byte*>(values.data());
  add_entry({key, GgufType::array, GgufNumberArray{GgufType::int32, data, values.size()}});
}

void GgufWriter::add_float32s(std::string_view key, std::span<const float> values) {
  const auto* data = reinterpret_cast<const std::byte*>(values.data());
  add_entry({key, GgufType::array, GgufNumberArray{GgufType::float32, data, values.size()}});
}

void GgufWriter::add_entry(const GgufEntry& entry) {
  if (entry.key == kAlignmentKey)
    return set_alignment(static_cast<uint32_t>(Metadata({entry}).get_uint(kAlignmentKey)));
  ++entry_count_;
  if (const auto* numbers = std::get_if<GgufNumberArray>(&entry.value)) {
    append_array_head(entries_, entry.key, numbers->element_type, numbers->count);
    append_bytes(entries_, numbers->data,
                 numbers->count * gguf::value_bytes(numbers->element_type));
  } else if (const auto* strings = std::get_if<std::vector<std::string_view>>(&entry.value)) {
    append_array_head(entries_, entry.key, GgufType::string, strings->size());
    for (const std::string_view text : *strings) append_string(entries_, text);
  } else {
    append_key(entries_, entry.key, entry.type);
    append_scalar(entries_, entry);
  }
}

void GgufWriter::add_tensor(std::string_view name, const Format& format, const Shape& shape,
                            std::span<const std::byte> data) {
  SPARROW_CHECK(shape[0] % format.block_values == 0);
  SPARROW_CHECK(static_cast<int64_t>(data.size()) ==
                shape.count() / format.block_values * format.block_bytes);
  tensors_.push_back({std::string(name), &format, shape, {data.begin(), data.end()}});
}

void GgufWriter::add_tensor_f32(std::string_view name, const Shape& shape,
                                std::span<const float> values) {
  add_tensor(name, *find_format("F32"), shape, std::as_bytes(values));
}

void GgufWriter::set_alignment(uint32_t alignment) {
  SPARROW_CHECK(std::has_single_bit(alignment) && alignment <= gguf::kMaxAlignment);
  alignment_ = alignment;
}

// Everything before the data of the first tensor.
std::vector<std::byte> GgufWriter::encode_head() const {
  const bool has_alignment = alignment_ != gguf::kDefaultAlignment;
  std::vector<std::byte> out;
  append_bytes(out, "GGUF", 4);
  append(out, uint32_t{3});
  append(out, uint64_t{tensors_.size()});
  append(out, entry_count_ + (has_alignment ? 1 : 0));
  if (has_alignment) {
    append_key(out, kAlignmentKey, GgufType::uint32);
    append(out, alignment_);
  }
  out.insert(out.end(), entries_.begin(), entries_.end());
  uint64_t offset = 0;
  for (const PendingTensor& tensor : tensors_) {
    append_string(out, tensor.name);
    append(out, static_cast<uint32_t>(tensor.shape.rank));
    for (int axis = 0; axis < tensor.shape.rank; ++axis)
      append(out, static_cast<uint64_t>(tensor.shape[axis]));
    append(out, tensor.format->gguf_id);
    append(out, offset);
    offset += tensor.data.size() + padding(tensor.data.size(), alignment_);
  }
  out.resize(out.size() + padding(out.size(), alignment_));
  return out;
}

std::vector<std::byte> GgufWriter::to_bytes() const {
  std::vector<std::byte> out = encode_head();
  for (const PendingTensor& tensor : tensors_) {
    out.insert(out.end(), tensor.data.begin(), tensor.data.end());
    out.resize(out.size() + padding(out.size(), alignment_));
  }
  return out;
}

void GgufWriter::write(const std::string& path) const {
  const std::vector<std::byte> zeros(alignment_);
  NewFile file(path);
  file.write(encode_head());
  for (const PendingTensor& tensor : tensors_) {
    file.write(tensor.data);
    file.write(std::span(zeros).first(padding(tensor.data.size(), alignment_)));
  }
  file.finish();
}

}  // namespace sparrow
