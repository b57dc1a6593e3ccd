// Reads the tensor directory of a GGUF file and proves that every tensor lies inside the file.
#pragma once

#include <cstdint>
#include <vector>

#include "gguf/byte_reader.h"
#include "gguf/gguf_file.h"

namespace sparrow::gguf {

// A name length, a name of one byte, a rank, one dimension, a type and an offset.
inline constexpr uint64_t kSmallestTensorInfoBytes = 8 + 1 + 4 + 8 + 4 + 8;

// The reader stands at the first entry; the data begin at the next multiple of `alignment` (a power
// of two) after the last. Throws Error{invalid_file}.
std::vector<TensorInfo> read_tensor_directory(ByteReader& reader, uint64_t count,
                                              uint64_t alignment);

}  // namespace sparrow::gguf
