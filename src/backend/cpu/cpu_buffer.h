// Activations on the CPU are plain memory, with a place beside it where a matrix product keeps
// other forms of its input.
#pragma once

#include <vector>

#include "backend/backend.h"
#include "backend/cpu/cpu_low_rank.h"
#include "backend/cpu/memory.h"
#include "backend/cpu/quantized_input.h"

namespace sparrow {

class CpuBuffer final : public Buffer {
 public:
  CpuBuffer(int64_t size_bytes, std::string_view purpose)
      : memory_(Memory::huge(size_bytes, purpose)) {}
  int64_t size_bytes() const override { return memory_.size_bytes(); }
  float* data() const { return reinterpret_cast<float*>(memory_.data()); }
  // Of the product at hand; it does not outlast it.
  QuantizedInput& quantized_input() { return quantized_input_; }
  // Likewise.
  LowRankScratch& low_rank() { return low_rank_; }
  // Of the attention at hand, where threads share out a sequence's keys.
  std::vector<float>& attention_ranges() { return attention_ranges_; }

 private:
  Memory memory_;
  QuantizedInput quantized_input_;
  LowRankScratch low_rank_;
  std::vector<float> attention_ranges_;
};

inline float* data(const Activations& x) {
  return static_cast<const CpuBuffer*>(x.buffer)->data() + x.offset;
}

inline float* row(const Activations& x, int64_t index) { return data(x) + index * x.columns; }

}  // namespace sparrow
