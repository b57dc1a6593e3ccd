// Weights on the CPU: in the file's own bytes and format, or, for vectors, as f32.
#pragma once

#include <vector>

#include "backend/backend.h"
#include "kernels/kernel_table.h"

namespace sparrow {

class CpuWeight final : public Weight {
 public:
  CpuWeight(const Tensor& tensor, const kernels::KernelTable& kernels);

  const Shape& shape() const override { return tensor_.shape; }
  int64_t size_bytes() const override { return tensor_.size_bytes(); }

  // Values [begin, end) of a row; both lie on block borders.
  void dequantize(float* out, int64_t row, int64_t begin, int64_t end) const;
  // Asks for the bytes of these values ahead of time. The row may lie beyond the last.
  void prefetch(int64_t row, int64_t begin, int64_t end) const;
  // The row itself where it needs no dequantization, else null.
  const float* direct_row(int64_t row) const;
  // Vectors only.
  const float* values() const { return values_.data(); }

 private:
  Tensor tensor_;
  void (*quick_)(const void* blocks, float* out, int64_t block_count);  // null: the reference
  bool is_direct_;
  std::vector<float> values_;
};

}  // namespace sparrow
