// What a weight format is: its GGUF id, block size and the reference dequantization that defines
// it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace sparrow {

struct Format {
  uint32_t gguf_id;
  std::string_view name;  // as GGUF tools spell it: "Q4_K"
  int64_t block_values;   // values in one block; a row is a whole number of blocks
  int64_t block_bytes;
  // Reference: `blocks` holds block_count blocks (any alignment), `out` block_count * block_values
  // floats.
  void (*dequantize)(const std::byte* blocks, float* out, int64_t block_count);
};

// Every format that can be read. The rows live in formats/registry.cpp.
std::span<const Format> formats();

// Null if no row has the id.
const Format* find_format(uint32_t gguf_id);

// By name, any case. Null if unknown.
const Format* find_format(std::string_view name);

// The block of any type id that GGUF has, also of those that cannot be read here.
struct BlockLayout {
  uint32_t gguf_id;
  std::string_view name;
  int64_t block_values;
  int64_t block_bytes;
};
std::optional<BlockLayout> find_block_layout(uint32_t gguf_id);

// The name GGUF gives a type id, also for types that cannot be read ("IQ2_XXS"); "type 99" for an
// unknown one.
std::string format_name(uint32_t gguf_id);

// "F32, F16, BF16, Q4_0, …": for messages.
std::string format_names();

}  // namespace sparrow
