#include "backend/cpu/cpu_weight.h"

#include <algorithm>
#include <array>

#include "base/error.h"
#include "tensor/packing.h"

namespace sparrow {
namespace {

static_assert(kernels::kTileRows == kPackedRows);

void dequantize_blocks(const Format& format,
                       void (*quick)(const void* blocks, float* out, int64_t block_count),
                       const std::byte* blocks, float* out, int64_t block_count) {
  if (quick != nullptr) {
    quick(blocks, out, block_count);
  } else {
    format.dequantize(blocks, out, block_count);
  }
}

constexpr uint32_t kF32 = 0;
constexpr uint32_t kBf16 = 30;

}  // namespace

CpuWeight::CpuWeight(const Tensor& tensor, const kernels::KernelTable& kernels)
    : tensor_(tensor), quick_(kernels.find_dequantize(tensor.format->gguf_id)) {
  // A file may align its tensors to less than a float.
  is_direct_ = tensor.format->gguf_id == kF32 &&
               reinterpret_cast<uintptr_t>(tensor.data) % alignof(float) == 0;
  SPARROW_CHECK(tensor.shape[0] % tensor.format->block_values == 0);
  if (tensor.shape.row_count() > 1) return;
  values_.resize(static_cast<size_t>(tensor.shape[0]));
  dequantize(values_.data(), 0, 0, tensor.shape[0]);
}

bool CpuWeight::can_be_packed(const Tensor& tensor, const kernels::KernelTable& kernels) {
  const uint32_t id = tensor.format->gguf_id;
  return tensor.shape.row_count() > 1 && can_pack(*tensor.format, tensor.shape[0]) &&
         (kernels.find_packed_matmul(id) != nullptr || kernels.find_float_matmul(id) != nullptr);
}

CpuWeight::CpuWeight(const Tensor& tensor, const kernels::KernelTable& kernels, WeightArena& arena,
                     ThreadTeam& team)
    : tensor_(tensor),
      quick_(kernels.find_dequantize(tensor.format->gguf_id)),
      packed_matmul_(kernels.find_packed_matmul(tensor.format->gguf_id)),
      float_matmul_(kernels.find_float_matmul(tensor.format->gguf_id)),
      bf16_matmul_(tensor.format->gguf_id == kBf16 ? kernels.bf16_matmul : nullptr) {
  SPARROW_CHECK(can_be_packed(tensor, kernels));
  SPARROW_CHECK(tensor.shape[0] % tensor.format->block_values == 0);
  const int64_t rows = tensor.shape[1];
  const int64_t experts = tensor.shape[2] * tensor.shape[3];
  const int64_t tile_count = experts * tiles_per_expert();
  packed_ = arena.allocate(tile_count * tile_bytes());
  team.for_each(tile_count, 8, [&](int64_t begin, int64_t end) {
    for (int64_t t = begin; t < end; ++t) {
      const int64_t first = t % tiles_per_expert() * kPackedRows;
      pack_tile(*tensor.format, tensor.row(t / tiles_per_expert() * rows + first),
                std::min(kPackedRows, rows - first), tensor.row_bytes(),
                packed_.data + t * tile_bytes());
    }
  });
}

void CpuWeight::dequantize(float* out, int64_t row, int64_t begin, int64_t end) const {
  const Format& format = *tensor_.format;
  const int64_t first_block = begin / format.block_values;
  const int64_t block_count = (end - begin) / format.block_values;
  if (!is_packed()) {
    dequantize_blocks(format, quick_, tensor_.row(row) + first_block * format.block_bytes, out,
                      block_count);
    return;
  }
  const int64_t row_in_expert = row % tensor_.shape[1];
  const int64_t tile = row / tensor_.shape[1] * tiles_per_expert() + row_in_expert / kPackedRows;
  constexpr int64_t kBlocksAtOnce = kPackedFloats;
  constexpr int64_t kLargestBlock = 256;  // bytes
  std::array<std::byte, kLargestBlock * kBlocksAtOnce> blocks;
  SPARROW_CHECK(format.block_bytes <= kLargestBlock);
  for (int64_t done = 0; done < block_count; done += kBlocksAtOnce) {
    const int64_t count = std::min(kBlocksAtOnce, block_count - done);
    unpack_row(format, packed_.data + tile * tile_bytes(), row_in_expert % kPackedRows,
               first_block + done, count, blocks.data());
    dequantize_blocks(format, quick_, blocks.data(), out + done * format.block_values, count);
  }
}

void CpuWeight::prefetch(int64_t row, int64_t begin, int64_t end) const {
  if (row >= tensor_.shape.row_count()) return;
  const Format& format = *tensor_.format;
  constexpr int64_t kCacheLine = 64;
  const std::byte* bytes = tensor_.row(row);
  const int64_t last = end / format.block_values * format.block_bytes;
  for (int64_t at = begin / format.block_values * format.block_bytes; at < last; at += kCacheLine)
    __builtin_prefetch(bytes + at);
}

const float* CpuWeight::direct_row(int64_t row) const {
  return is_direct_ ? reinterpret_cast<const float*>(tensor_.row(row)) : nullptr;
}

}  // namespace sparrow
