// Inside the formats only: the reference dequantizers by name, and reading a block at any
// alignment.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "tensor/formats/blocks.h"
#include "tensor/half.h"

namespace sparrow {

void dequantize_f32(const std::byte* blocks, float* out, int64_t block_count);
void dequantize_f16(const std::byte* blocks, float* out, int64_t block_count);
void dequantize_bf16(const std::byte* blocks, float* out, int64_t block_count);
void dequantize_q4_0(const std::byte* blocks, float* out, int64_t block_count);
void dequantize_q4_1(const std::byte* blocks, float* out, int64_t block_count);
void dequantize_q5_0(const std::byte* blocks, float* out, int64_t block_count);
void dequantize_q5_1(const std::byte* blocks, float* out, int64_t block_count);
void dequantize_q8_0(const std::byte* blocks, float* out, int64_t block_count);
void dequantize_q2_k(const std::byte* blocks, float* out, int64_t block_count);
void dequantize_q3_k(const std::byte* blocks, float* out, int64_t block_count);
void dequantize_q4_k(const std::byte* blocks, float* out, int64_t block_count);
void dequantize_q5_k(const std::byte* blocks, float* out, int64_t block_count);
void dequantize_q6_k(const std::byte* blocks, float* out, int64_t block_count);
void dequantize_iq4_nl(const std::byte* blocks, float* out, int64_t block_count);
void dequantize_iq4_xs(const std::byte* blocks, float* out, int64_t block_count);

// Files align tensors to anything, so a block is copied out before it is read.
template <typename Block>
Block load_block(const std::byte* blocks, int64_t index) {
  Block block;
  std::memcpy(&block, blocks + index * static_cast<int64_t>(sizeof(Block)), sizeof(Block));
  return block;
}

// The low (element 0 to 15) or high (16 to 31) half of byte element % 16.
constexpr int nibble(const uint8_t* bytes, int element) {
  return element < 16 ? bytes[element] & 15 : bytes[element - 16] >> 4;
}

}  // namespace sparrow
