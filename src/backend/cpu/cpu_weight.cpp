#include "backend/cpu/cpu_weight.h"

#include "base/error.h"

namespace sparrow {

CpuWeight::CpuWeight(const Tensor& tensor, const kernels::KernelTable& kernels)
    : tensor_(tensor), quick_(kernels.find_dequantize(tensor.format->gguf_id)) {
  constexpr uint32_t kF32 = 0;
  // A file may align its tensors to less than a float.
  is_direct_ = tensor.format->gguf_id == kF32 &&
               reinterpret_cast<uintptr_t>(tensor.data) % alignof(float) == 0;
  SPARROW_CHECK(tensor.shape[0] % tensor.format->block_values == 0);
  if (tensor.shape.row_count() > 1) return;
  values_.resize(static_cast<size_t>(tensor.shape[0]));
  dequantize(values_.data(), 0, 0, tensor.shape[0]);
}

void CpuWeight::dequantize(float* out, int64_t row, int64_t begin, int64_t end) const {
  const Format& format = *tensor_.format;
  const std::byte* blocks = tensor_.row(row) + begin / format.block_values * format.block_bytes;
  const int64_t block_count = (end - begin) / format.block_values;
  if (quick_ != nullptr) {
    quick_(blocks, out, block_count);
  } else {
    format.dequantize(blocks, out, block_count);
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
