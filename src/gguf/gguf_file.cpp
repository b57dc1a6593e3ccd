#include "gguf/gguf_file.h"

#include "base/error.h"
#include "gguf/byte_reader.h"
#include "gguf/gguf_reader.h"

namespace sparrow {

std::shared_ptr<const GgufFile> GgufFile::open(const std::string& path) {
  return GgufReader(path).open();
}

std::shared_ptr<const GgufFile> GgufFile::parse(std::span<const std::byte> bytes,
                                                const std::string& name) {
  return GgufReader(name).parse(bytes);
}

const TensorInfo* GgufFile::find_tensor(std::string_view name) const {
  const auto found = tensor_index_.find(name);
  return found == tensor_index_.end() ? nullptr : &tensors_[found->second];
}

Tensor GgufFile::tensor(std::string_view name) const {
  const TensorInfo* info = find_tensor(name);
  if (info == nullptr) fail(ErrorCode::not_found, "{}: no tensor {}", path_, quoted_text(name));
  if (info->format == nullptr) {
    fail(ErrorCode::unsupported, "{}: tensor {} is of type {}, which is not read; these are: {}",
         path_, quoted_text(name), format_name(info->gguf_type_id), format_names());
  }
  return {info->data, info->format, info->shape};
}

void GgufFile::release(const Tensor& tensor) const {
  const std::span<const std::byte> bytes(tensor.data, static_cast<size_t>(tensor.size_bytes()));
  for (const MappedFile& part : parts_) {
    const std::span<const std::byte> all = part.bytes();
    if (bytes.data() >= all.data() && bytes.data() + bytes.size() <= all.data() + all.size())
      part.release(bytes);
  }
}

}  // namespace sparrow
