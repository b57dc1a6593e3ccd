// The KV cache's bytes on the CPU.
//
// Layout: [layer][block][K, V][kv head][token in block][head_size], elements of the cache's type.
// One head's keys in a block are contiguous, which is how attention reads them.
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

  const KvShape& shape() const { return shape_; }
  KvType type() const { return type_; }

  // [block_tokens][head_size] of one head.
  std::byte* keys(int64_t layer, BlockId block, int64_t head) const {
    return memory_.data() + offset(layer, block, 0, head);
  }
  std::byte* values(int64_t layer, BlockId block, int64_t head) const {
    return memory_.data() + offset(layer, block, 1, head);
  }

 private:
  int64_t offset(int64_t layer, BlockId block, int64_t half, int64_t head) const;

  KvShape shape_;
  KvType type_;
  int64_t block_count_;
  int64_t block_tokens_;
  Memory memory_;
};

}  // namespace sparrow
