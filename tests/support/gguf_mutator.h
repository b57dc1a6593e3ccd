// Breaks a GGUF file field by field: knows where counts, lengths, types, dimensions and offsets
// are, and keeps the rest whole, so that most results get past the header of a reader.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace sparrow::test_support {

// One change, chosen by `seed`: of the header (10 in 100), of a key and its value (35), of the
// tensor directory (35), of one field to the value of another (10), of the alignment (5), of the
// data's length (5). The result may be longer than the file by a key, a tensor or some bytes.
std::vector<uint8_t> mutate_gguf(std::vector<uint8_t> bytes, uint64_t seed);

}  // namespace sparrow::test_support
