// Weights on the CPU, in one of three forms: packed tiles for fast products; the file's own bytes,
// dequantized as they are used; for vectors, f32 values.
#pragma once

#include <vector>

#include "backend/backend.h"
#include "backend/cpu/weight_arena.h"
#include "base/thread_team.h"
#include "kernels/kernel_table.h"

namespace sparrow {

class CpuWeight final : public Weight {
 public:
  // A vector, or a matrix that stays in the file's bytes.
  CpuWeight(const Tensor& tensor, const kernels::KernelTable& kernels);
  // A matrix in packed tiles (tensor/packing.h); `can_be_packed` says whether that is possible.
  CpuWeight(const Tensor& tensor, const kernels::KernelTable& kernels, WeightArena& arena,
            ThreadTeam& team);
  static bool can_be_packed(const Tensor& tensor, const kernels::KernelTable& kernels);

  const Shape& shape() const override { return tensor_.shape; }
  int64_t size_bytes() const override { return tensor_.size_bytes(); }
  bool reads_tensor() const override { return values_.empty() && !is_packed(); }

  // Values [begin, end) of a row; both lie on block borders.
  void dequantize(float* out, int64_t row, int64_t begin, int64_t end) const;
  // Asks for the bytes of these values ahead of time. The row may lie beyond the last.
  void prefetch(int64_t row, int64_t begin, int64_t end) const;
  // The row itself where it needs no dequantization, else null.
  const float* direct_row(int64_t row) const;
  // Vectors only.
  const float* values() const { return values_.data(); }

  bool is_packed() const { return packed_.data != nullptr; }
  // Packed only: what multiplies it, by the form of x.
  bool takes_quantized() const { return packed_matmul_ != nullptr; }
  bool takes_bf16() const { return bf16_matmul_ != nullptr; }
  kernels::PackedMatmul packed_matmul() const { return packed_matmul_; }  // takes_quantized()
  kernels::Bf16Matmul bf16_matmul() const { return bf16_matmul_; }        // takes_bf16()
  kernels::FloatMatmul float_matmul() const { return float_matmul_; }     // neither
  int64_t tile_bytes() const { return kernels::kTileRows * tensor_.row_bytes(); }
  // Tiles of one expert (a matrix has one) start on a tile of their own.
  int64_t tiles_per_expert() const {
    return (tensor_.shape[1] + kernels::kTileRows - 1) / kernels::kTileRows;
  }
  const uint8_t* tile(int64_t index) const {
    return reinterpret_cast<const uint8_t*>(packed_.data) + index * tile_bytes();
  }

 private:
  Tensor tensor_;  // its data are not read once packed
  void (*quick_)(const void* blocks, float* out, int64_t block_count);  // null: the reference
  bool is_direct_ = false;
  std::vector<float> values_;
  WeightPiece packed_;
  kernels::PackedMatmul packed_matmul_ = nullptr;
  kernels::FloatMatmul float_matmul_ = nullptr;
  kernels::Bf16Matmul bf16_matmul_ = nullptr;
};

}  // namespace sparrow
