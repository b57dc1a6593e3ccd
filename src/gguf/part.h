// One file of a model: header, metadata and tensor directory, read from its bytes and checked.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "gguf/gguf_file.h"
#include "gguf/metadata.h"

namespace sparrow::gguf {

struct Part {
  uint32_t version = 0;
  Metadata metadata;
  std::vector<TensorInfo> tensors;  // file order
};

// Everything in the result points into `bytes`. Every count, length and offset has been checked
// against the bytes there are: no tensor reaches beyond them, no two share a byte. An offset that
// is not a multiple of the alignment is taken, for such files exist and every reader of weights
// copes. Throws Error{invalid_file|unsupported}.
Part read_part(std::span<const std::byte> bytes, const std::string& name);

}  // namespace sparrow::gguf
