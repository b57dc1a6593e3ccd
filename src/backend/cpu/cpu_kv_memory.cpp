#include "backend/cpu/cpu_kv_memory.h"

#include <fmt/format.h>

#include <cstring>

#include "base/checked.h"
#include "base/error.h"
#include "kernels/kernel_table.h"

namespace sparrow {
namespace {

static_assert(kKvScaleChannels == kernels::kQuantGroup);

int64_t checked_size(const KvShape& shape, KvType type, int64_t block_count, int64_t block_tokens) {
  SPARROW_CHECK(shape.layer_count > 0 && shape.kv_head_count > 0 && shape.head_size > 0);
  if (!can_keep_heads(type, shape.head_size)) {
    fail(ErrorCode::invalid_argument,
         "a {} cache needs heads of a multiple of {} channels, this model's have {}; f16, bf16 "
         "and f32 take any",
         to_string(type), kKvScaleChannels, shape.head_size);
  }
  if (block_count < 1 || block_tokens < 1 || block_tokens % kernels::kKeyGroup != 0) {
    fail(ErrorCode::invalid_argument,
         "a KV cache needs at least 1 block of a multiple of {} tokens, got {} of {}",
         kernels::kKeyGroup, block_count, block_tokens);
  }
  const auto tokens =
      checked_mul(static_cast<uint64_t>(block_count), static_cast<uint64_t>(block_tokens));
  const auto bytes = tokens
                         ? checked_mul(*tokens, static_cast<uint64_t>(shape.bytes_per_token(type)))
                         : std::nullopt;
  if (!bytes || *bytes > static_cast<uint64_t>(INT64_MAX)) {
    fail(ErrorCode::invalid_argument, "a KV cache of {} blocks of {} tokens is beyond any machine",
         block_count, block_tokens);
  }
  return static_cast<int64_t>(*bytes);
}

}  // namespace

CpuKvMemory::CpuKvMemory(const KvShape& shape, KvType type, int64_t block_count,
                         int64_t block_tokens)
    : shape_(shape),
      type_(type),
      block_count_(block_count),
      block_tokens_(block_tokens),
      memory_(Memory::huge(checked_size(shape, type, block_count, block_tokens),
                           fmt::format("the KV cache ({} blocks of {} tokens in {})", block_count,
                                       block_tokens, to_string(type)))) {}

void CpuKvMemory::copy_block(BlockId from, BlockId to) {
  SPARROW_CHECK(from >= 0 && from < block_count_ && to >= 0 && to < block_count_ && from != to);
  const int64_t bytes = block_tokens_ * shape_.bytes_per_token(type_) / shape_.layer_count;
  for (int64_t layer = 0; layer < shape_.layer_count; ++layer) {
    std::byte* blocks = memory_.data() + layer * block_count_ * bytes;
    std::memcpy(blocks + to * bytes, blocks + from * bytes, static_cast<size_t>(bytes));
  }
}

int64_t CpuKvMemory::group_offset(int64_t layer, std::span<const BlockId> blocks, int64_t half,
                                  int64_t head, int64_t position) const {
  const BlockId block = blocks[static_cast<size_t>(position / block_tokens_)];
  const int64_t token_bytes = kv_head_bytes(type_, shape_.head_size);
  const int64_t index = ((layer * block_count_ + block) * 2 + half) * shape_.kv_head_count + head;
  const int64_t first_of_group = position % block_tokens_ / kernels::kKeyGroup * kernels::kKeyGroup;
  return (index * block_tokens_ + first_of_group) * token_bytes;
}

}  // namespace sparrow
