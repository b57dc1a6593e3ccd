// The KV cache's bytes on the CPU.
//
// Layout: [layer][block][K, V][kv head][group of 16 tokens], elements of the cache's type. Within a
// group keys stand channel by channel, [head_size][16], and values token by token, [16][head_size]:
// the order in which attention reads them (kernels/kernel_table.h; quantized ones
// kernels/q8_cache.h and q4_cache.h).
#pragma once

#include "backend/backend.h"
#include "backend/cpu/memory.h"

namespace sparrow {

class CpuKvMemory final : public KvMemory {
 public:
  CpuKvMemory(const KvShape& shape, KvType type, int64_t block_count, int64_t block_tokens);

  int64_t block_count() const override { return block_count_; }
  int64_t block_tokens() const override { return block_tokens_; }
  int64_t size_bytes() const override { return memory_.size_bytes(); }
  void copy_block(BlockId from, BlockId to) override;

  const KvShape& shape() const { return shape_; }
  KvType type() const { return type_; }
  // Whether keys and values stand here turned by a Hadamard matrix, so that a few large channels do
  // not set the scale of the rest (QuaRot, Ashkboos et al. 2024).
  bool is_turned() const { return is_quantized(type_); }

  // The group of 16 tokens that holds `position` of a sequence, whose blocks are given.
  std::byte* key_group(int64_t layer, std::span<const BlockId> blocks, int64_t head,
                       int64_t position) const {
    return memory_.data() + group_offset(layer, blocks, 0, head, position);
  }
  std::byte* value_group(int64_t layer, std::span<const BlockId> blocks, int64_t head,
                         int64_t position) const {
    return memory_.data() + group_offset(layer, blocks, 1, head, position);
  }

 private:
  int64_t group_offset(int64_t layer, std::span<const BlockId> blocks, int64_t half, int64_t head,
                       int64_t position) const;

  KvShape shape_;
  KvType type_;
  int64_t block_count_;
  int64_t block_tokens_;
  Memory memory_;
};

}  // namespace sparrow
