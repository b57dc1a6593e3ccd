// Reads the key-value pairs of a GGUF file: types, lengths, counts and names are checked, the
// values themselves are left to who asks for them.
#pragma once

#include <cstdint>
#include <vector>

#include "gguf/byte_reader.h"
#include "gguf/metadata.h"

namespace sparrow::gguf {

// A key length, a key of one byte, a type and a value of one byte.
inline constexpr uint64_t kSmallestEntryBytes = 8 + 1 + 4 + 1;

// Views into the reader's bytes. Throws Error{invalid_file|unsupported}.
std::vector<GgufEntry> read_entries(ByteReader& reader, uint64_t count);

// A name of the file, not empty, of at most `limit` bytes: UTF-8 without NUL and without ".." as
// a step of a path, so that whoever prints it or makes a file name of it is safe.
std::string_view read_name(ByteReader& reader, uint64_t limit, std::string_view field);

// Bytes of one number or boolean; 0 for strings and arrays.
uint64_t value_bytes(GgufType type);

}  // namespace sparrow::gguf
