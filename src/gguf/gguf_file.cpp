#include "gguf/gguf_file.h"

#include <algorithm>

#include "base/error.h"
#include "base/hash.h"
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

std::string GgufFile::sha256() const {
  Sha256 hash;
  hash.update(bytes_);
  constexpr size_t kPiece = size_t{16} << 20;  // the memory of what was read goes back
  for (const MappedFile& part : parts_) {
    for (std::span<const std::byte> rest = part.bytes(); !rest.empty();) {
      const std::span<const std::byte> piece = rest.first(std::min(kPiece, rest.size()));
      hash.update(piece);
      part.release(piece);
      rest = rest.subspan(piece.size());
    }
  }
  return hash.finish_hex();
}

}  // namespace sparrow
