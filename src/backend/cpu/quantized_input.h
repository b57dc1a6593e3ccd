// The input of a matrix product in quantized form, or rounded to bf16 (kernel_table.h says which).
#pragma once

#include <vector>

#include "base/thread_team.h"
#include "kernels/kernel_table.h"

namespace sparrow {

// Grows to the largest input it has held. Used by one stepping thread.
class QuantizedInput {
 public:
  // Quantizes `rows` rows of `columns` values each, a multiple of 32, that stand one behind the
  // other. The result is valid until the next call.
  kernels::QuantizedRows quantize(const float* x, int64_t rows, int64_t columns,
                                  const kernels::KernelTable& kernels, ThreadTeam& team);

  // The same in bf16.
  kernels::Bf16Rows round(const float* x, int64_t rows, int64_t columns,
                          const kernels::KernelTable& kernels, ThreadTeam& team);

 private:
  std::vector<uint16_t> bf16_;
  std::vector<kernels::QuantizedBlock> blocks_;
  std::vector<kernels::LowPlane> low_;
  std::vector<uint8_t> wide_;
};

}  // namespace sparrow
