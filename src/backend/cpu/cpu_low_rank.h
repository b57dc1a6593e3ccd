// Low-rank additions to products: a x once for the rows that have one, then b times that, column by
// column where the product itself is computed. Both by the kernels for packed weights of plain
// numbers, which take x in f32.
#pragma once

#include <span>
#include <vector>

#include "backend/backend.h"
#include "backend/cpu/weight_arena.h"
#include "base/thread_team.h"
#include "kernels/kernel_table.h"

namespace sparrow {

// A matrix of F32, F16 or BF16 in packed tiles (tensor/packing.h), its rows filled up with zeros to
// whole packed blocks.
class PackedFloats {
 public:
  // Of another format: as F32.
  PackedFloats(const Tensor& tensor, const kernels::KernelTable& kernels, WeightArena& arena);

  static int64_t packed_bytes(const Tensor& tensor);  // that it will take

  int64_t columns() const { return columns_; }  // filled up
  int64_t size_bytes() const;

  // out[i][j] = sum over [first_column, first_column + x_columns) of x[i] times row first_row + j.
  // `first_row` is the first of a tile, both column numbers are multiples of kPackedFloats.
  struct Product {
    float* out;
    int64_t out_stride;
    kernels::FloatRows x;
    int64_t rows;  // of x
    int64_t first_row;
    int64_t row_count;
    int64_t first_column;
    int64_t column_count;
  };
  void multiply(const Product& product) const;

 private:
  int64_t columns_;
  int64_t rows_;
  int64_t value_bytes_;
  kernels::FloatMatmul matmul_;
  WeightPiece piece_;
};

class CpuLowRank final : public LowRank {
 public:
  CpuLowRank(const Tensor& a, const Tensor& b, float factor, const kernels::KernelTable& kernels,
             WeightArena& arena);

  int64_t in() const override { return in_; }
  int64_t rank() const override { return rank_; }
  int64_t out() const override { return out_; }
  int64_t size_bytes() const override { return a_.size_bytes() + b_.size_bytes(); }

  float factor() const { return factor_; }
  const PackedFloats& a() const { return a_; }
  const PackedFloats& b() const { return b_; }

 private:
  int64_t in_;
  int64_t rank_;
  int64_t out_;
  float factor_;
  PackedFloats a_;
  PackedFloats b_;
};

// For each of several parts and each row that has an addition there, scale * factor * (a x), filled
// up with zeros for b; other rows are in any state.
struct LowRankProducts {
  const float* values = nullptr;  // [parts, rows, stride]
  int64_t rows = 0;
  int64_t stride = 0;

  const float* row(int64_t part, int64_t index) const {
    return values + (part * rows + index) * stride;
  }
};

// Where they are kept. Grows to the most it has held. Used by one stepping thread.
class LowRankScratch {
 public:
  // The result is valid until the next call.
  LowRankProducts multiply(std::span<const LinearPart> parts, const Activations& x,
                           const kernels::KernelTable& kernels, ThreadTeam& team);

 private:
  struct Task {  // some rows of x, some of their columns, times an a
    const CpuLowRank* pair;
    int64_t first_row;
    int64_t row_count;
    int64_t first_column;
    int64_t column_count;
    float* out;
  };
  kernels::FloatRows filled_up(const Activations& x);

  std::vector<float> filled_;
  std::vector<float> values_;
  std::vector<Task> tasks_;
};

// Adds b times the products of part number `part_index` to columns [first, first + count) of
// part.out; `first` is the first of a tile.
void add_low_rank_to(const kernels::KernelTable& kernels, const LinearPart& part,
                     const LowRankProducts& products, int64_t part_index, int64_t first,
                     int64_t count);

}  // namespace sparrow
