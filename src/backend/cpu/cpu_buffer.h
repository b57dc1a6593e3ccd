// Activations on the CPU are plain memory.
#pragma once

#include "backend/backend.h"
#include "backend/cpu/memory.h"

namespace sparrow {

class CpuBuffer final : public Buffer {
 public:
  CpuBuffer(int64_t size_bytes, std::string_view purpose) : memory_(size_bytes, purpose) {}
  int64_t size_bytes() const override { return memory_.size_bytes(); }
  float* data() const { return reinterpret_cast<float*>(memory_.data()); }

 private:
  Memory memory_;
};

inline float* data(const Activations& x) {
  return static_cast<const CpuBuffer*>(x.buffer)->data() + x.offset;
}

inline float* row(const Activations& x, int64_t index) { return data(x) + index * x.columns; }

}  // namespace sparrow
