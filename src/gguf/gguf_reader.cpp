#include "gguf/gguf_reader.h"

#include <utility>

#include "base/error.h"
#include "gguf/byte_reader.h"
#include "gguf/limits.h"
#include "gguf/named_errors.h"

namespace sparrow {
namespace {

constexpr std::string_view kSplitCount = "split.count";
constexpr std::string_view kSplitNumber = "split.no";
constexpr std::string_view kSplitTensorCount = "split.tensors.count";

// As Metadata::find_uint, with the file in the message.
std::optional<uint64_t> find_count(const gguf::Part& part, const std::string& path,
                                   std::string_view key) {
  return with_path_in_errors(path, [&] { return part.metadata.find_uint(key); });
}

// How many files the model has, by what one of them says.
uint64_t part_count(const gguf::Part& part, const std::string& path) {
  const uint64_t count = find_count(part, path, kSplitCount).value_or(1);
  if (count <= gguf::kMaxParts) return count;
  fail(ErrorCode::invalid_file, "{}: {} is {}; a model has at most {} parts", path, kSplitCount,
       count, gguf::kMaxParts);
}

}  // namespace

GgufReader::GgufReader(const std::string& path) : file_(new GgufFile) { file_->path_ = path; }

std::shared_ptr<const GgufFile> GgufReader::parse(std::span<const std::byte> bytes) {
  gguf::Part part = gguf::read_part(bytes, file_->path_);
  if (part_count(part, file_->path_) > 1) {
    fail(ErrorCode::invalid_file, "{}: is one of several parts; open it from its folder",
         file_->path_);
  }
  file_->version_ = part.version;
  file_->size_bytes_ = bytes.size();
  file_->bytes_ = bytes;
  add_tensors(part, file_->path_);
  file_->metadata_ = std::move(part.metadata);
  return file_;
}

std::shared_ptr<const GgufFile> GgufReader::open() {
  MappedFile named(file_->path_);
  gguf::Part part = gguf::read_part(named.bytes(), file_->path_);
  const uint64_t count = part_count(part, file_->path_);
  if (count > 1) {
    open_all_parts(count);
    return file_;
  }
  add_tensors(part, file_->path_);
  file_->version_ = part.version;
  file_->metadata_ = std::move(part.metadata);
  file_->size_bytes_ = named.bytes().size();
  file_->parts_.push_back(std::move(named));
  return file_;
}

void GgufReader::open_all_parts(uint64_t count) {
  const std::optional<gguf::SplitName> name = gguf::parse_split_name(file_->path_);
  if (!name || name->part_count != count) {
    fail(ErrorCode::invalid_file,
         "{}: is one of {} parts ({}), so its name must end in -0000N-of-{:05}.gguf, with the "
         "other parts beside it",
         file_->path_, count, kSplitCount, count);
  }
  for (uint64_t number = 1; number <= count; ++number) open_part(*name, number);
  const std::optional<uint64_t> tensor_count = split_tensor_count();
  if (tensor_count && *tensor_count != file_->tensors_.size()) {
    fail(ErrorCode::invalid_file, "{}: {} is {}, but the {} parts hold {} tensors", file_->path_,
         kSplitTensorCount, *tensor_count, count, file_->tensors_.size());
  }
}

void GgufReader::open_part(const gguf::SplitName& name, uint64_t number) {
  const std::string path = name.path_of(number);
  MappedFile bytes = [&] {
    try {
      return MappedFile(path);
    } catch (const Error& error) {
      fail(error.code(), "{}: part {} of {} is needed too: {}", file_->path_, number,
           name.part_count, error.what());
    }
  }();
  gguf::Part part = gguf::read_part(bytes.bytes(), path);
  check_part(part, path, number, name.part_count);
  add_tensors(part, path);
  file_->size_bytes_ += bytes.bytes().size();
  file_->parts_.push_back(std::move(bytes));
  if (number > 1) return;
  file_->version_ = part.version;
  file_->metadata_ = std::move(part.metadata);
}

std::optional<uint64_t> GgufReader::split_tensor_count() const {
  return with_path_in_errors(file_->path_,
                             [&] { return file_->metadata_.find_uint(kSplitTensorCount); });
}

void GgufReader::check_part(const gguf::Part& part, const std::string& path, uint64_t number,
                            uint64_t count) const {
  const auto check = [&](std::string_view key, uint64_t wanted, std::string_view reason) {
    const std::optional<uint64_t> value = find_count(part, path, key);
    if (value == wanted) return;
    fail(ErrorCode::invalid_file, "{}: {} must be {} ({}), is {}", path, key, wanted, reason,
         value ? std::to_string(*value) : "absent");
  };
  check(kSplitCount, count, "as in the part that was opened");
  check(kSplitNumber, number - 1, "the part number of the name, from 0");
  if (number == 1) return;
  const std::optional<uint64_t> tensor_count = split_tensor_count();
  if (tensor_count) check(kSplitTensorCount, *tensor_count, "as in part 1: are they one model?");
}

void GgufReader::add_tensors(const gguf::Part& part, const std::string& path) {
  for (const TensorInfo& info : part.tensors) {
    if (!file_->tensor_index_.emplace(info.name, file_->tensors_.size()).second) {
      fail(ErrorCode::invalid_file, "{}: tensor {} stands in an earlier part too", path,
           quoted_text(info.name));
    }
    file_->tensors_.push_back(info);
  }
}

}  // namespace sparrow
