#include "backend/cpu/cpu_low_rank.h"

#include <algorithm>
#include <cstring>

#include "backend/cpu/cpu_backend.h"
#include "backend/cpu/cpu_buffer.h"
#include "base/error.h"
#include "tensor/packing.h"

namespace sparrow {
namespace {

using kernels::kTileRows;

// Rows of a are few and long: threads share out stretches of them, whose results are added in
// ascending order. So they are for any number of rows.
constexpr int64_t kStretch = 512;
constexpr int64_t kTaskRows = 64;  // of x

// Of b's results, before they are added: half of a small L1 cache.
constexpr int64_t kSums = 4096;
constexpr int64_t kSumColumns = 256;

int64_t round_up(int64_t count, int64_t step) { return (count + step - 1) / step * step; }

const CpuLowRank* pair_of(const LinearPart& part, const AdapterRows& adapter) {
  SPARROW_CHECK(part.matrix_index >= 0 &&
                part.matrix_index < static_cast<int64_t>(adapter.matrices.size()));
  return static_cast<const CpuLowRank*>(
      adapter.matrices[static_cast<size_t>(part.matrix_index)].get());
}

template <typename T>
void hold(std::vector<T>& values, int64_t count) {
  if (static_cast<int64_t>(values.size()) < count) values.resize(static_cast<size_t>(count));
}

// Plain numbers stay as they are.
const Format& packed_format(const Tensor& tensor) {
  return tensor.format->block_values == 1 ? *tensor.format : *find_format("F32");
}

// Calls visit(part's number, adapter, pair) for each addition.
template <typename Visit>
void for_each_pair(std::span<const LinearPart> parts, const Visit& visit) {
  for (size_t i = 0; i < parts.size(); ++i) {
    for (const AdapterRows& adapter : parts[i].adapters) {
      const CpuLowRank* pair = pair_of(parts[i], adapter);
      if (pair != nullptr) visit(static_cast<int64_t>(i), adapter, *pair);
    }
  }
}

}  // namespace

PackedFloats::PackedFloats(const Tensor& tensor, const kernels::KernelTable& kernels,
                           WeightArena& arena)
    : columns_(round_up(tensor.shape[0], kPackedFloats)), rows_(tensor.shape.row_count()) {
  const Format& format = packed_format(tensor);
  const bool is_plain = &format == tensor.format;
  value_bytes_ = format.block_bytes;
  matmul_ = kernels.find_float_matmul(format.gguf_id);
  SPARROW_CHECK(matmul_ != nullptr && can_pack(format, columns_));
  piece_ = arena.allocate(size_bytes());
  const int64_t row_bytes = columns_ * value_bytes_;
  std::vector<std::byte> rows(static_cast<size_t>(kTileRows * row_bytes));  // filled up with zeros
  std::vector<float> values(static_cast<size_t>(tensor.shape[0]));
  for (int64_t first = 0; first < rows_; first += kTileRows) {
    const int64_t count = std::min(kTileRows, rows_ - first);
    for (int64_t i = 0; i < count; ++i) {
      std::byte* row = rows.data() + i * row_bytes;
      if (is_plain) {
        std::memcpy(row, tensor.row(first + i), static_cast<size_t>(tensor.row_bytes()));
      } else {
        dequantize_row(tensor, first + i, values.data());
        std::memcpy(row, values.data(), values.size() * sizeof(float));
      }
    }
    pack_tile(format, rows.data(), count, row_bytes, piece_.data + first * row_bytes);
  }
}

int64_t PackedFloats::size_bytes() const {
  return round_up(rows_, kTileRows) * columns_ * value_bytes_;
}

int64_t PackedFloats::packed_bytes(const Tensor& tensor) {
  return round_up(tensor.shape.row_count(), kTileRows) * round_up(tensor.shape[0], kPackedFloats) *
         packed_format(tensor).block_bytes;
}

void PackedFloats::multiply(const Product& p) const {
  const int64_t tile_bytes = kTileRows * columns_ * value_bytes_;
  const std::byte* w = piece_.data + p.first_row / kTileRows * tile_bytes +
                       p.first_column * kTileRows * value_bytes_;
  matmul_({.out = p.out,
           .out_stride = p.out_stride,
           .out_rows = nullptr,
           .x = p.x,
           .x_rows = nullptr,
           .m = p.rows,
           .w = reinterpret_cast<const uint8_t*>(w),
           .tile_bytes = tile_bytes,
           .n = p.row_count,
           .k = p.column_count});
}

CpuLowRank::CpuLowRank(const Tensor& a, const Tensor& b, float factor,
                       const kernels::KernelTable& kernels, WeightArena& arena)
    : in_(a.shape[0]),
      rank_(a.shape[1]),
      out_(b.shape[1]),
      factor_(factor),
      a_(a, kernels, arena),
      b_(b, kernels, arena) {
  SPARROW_CHECK(a.shape.count() == in_ * rank_ && b.shape.count() == rank_ * out_);
}

kernels::FloatRows LowRankScratch::filled_up(const Activations& x) {
  const int64_t columns = round_up(x.columns, kPackedFloats);
  if (columns == x.columns) return {data(x), columns};
  hold(filled_, x.rows * columns);
  for (int64_t i = 0; i < x.rows; ++i) {
    float* to = filled_.data() + i * columns;
    std::fill(std::copy_n(row(x, i), x.columns, to), to + columns, 0.0f);
  }
  return {filled_.data(), columns};
}

LowRankProducts LowRankScratch::multiply(std::span<const LinearPart> parts, const Activations& x,
                                         const kernels::KernelTable& kernels, ThreadTeam& team) {
  int64_t stride = 0;
  for_each_pair(parts, [&](int64_t part, const AdapterRows& adapter, const CpuLowRank& pair) {
    SPARROW_CHECK(pair.in() == x.columns);
    SPARROW_CHECK(pair.out() == parts[static_cast<size_t>(part)].out.columns);
    SPARROW_CHECK(adapter.first_row >= 0 && adapter.first_row + adapter.row_count <= x.rows);
    stride = std::max(stride, pair.b().columns());
  });
  if (stride == 0) return {};

  const kernels::FloatRows filled = filled_up(x);
  const int64_t one = static_cast<int64_t>(parts.size()) * x.rows * stride;  // of a stretch
  hold(values_, one * ((filled.stride + kStretch - 1) / kStretch));
  tasks_.clear();
  for_each_pair(parts, [&](int64_t part, const AdapterRows& adapter, const CpuLowRank& pair) {
    const int64_t end = adapter.first_row + adapter.row_count;
    for (int64_t column = 0; column < filled.stride; column += kStretch) {
      float* out = values_.data() + column / kStretch * one + part * x.rows * stride;
      for (int64_t i = adapter.first_row; i < end; i += kTaskRows) {
        tasks_.push_back({&pair, i, std::min(kTaskRows, end - i), column,
                          std::min(kStretch, filled.stride - column), out + i * stride});
      }
    }
  });
  team.for_each(static_cast<int64_t>(tasks_.size()), 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const Task& task = tasks_[static_cast<size_t>(i)];
      const float* from = filled.values + task.first_row * filled.stride + task.first_column;
      task.pair->a().multiply({.out = task.out,
                               .out_stride = stride,
                               .x = {from, filled.stride},
                               .rows = task.row_count,
                               .first_row = 0,
                               .row_count = task.pair->rank(),
                               .first_column = task.first_column,
                               .column_count = task.column_count});
    }
  });
  for_each_pair(parts, [&](int64_t part, const AdapterRows& adapter, const CpuLowRank& pair) {
    const float factor = pair.factor() * adapter.scale;
    for (int64_t i = 0; i < adapter.row_count; ++i) {
      float* sum = values_.data() + (part * x.rows + adapter.first_row + i) * stride;
      for (int64_t s = 1; s * kStretch < filled.stride; ++s)
        kernels.add_f32(sum, sum + s * one, pair.rank());
      kernels.scale_f32(sum, sum, factor, pair.rank());
      std::fill(sum + pair.rank(), sum + pair.b().columns(), 0.0f);
    }
  });
  return {values_.data(), x.rows, stride};
}

void add_low_rank_to(const kernels::KernelTable& kernels, const LinearPart& part,
                     const LowRankProducts& products, int64_t part_index, int64_t first,
                     int64_t count) {
  if (part.adapters.empty()) return;
  alignas(64) float sums[kSums];
  for_each_pair({&part, 1}, [&](int64_t, const AdapterRows& adapter, const CpuLowRank& pair) {
    const int64_t end_row = adapter.first_row + adapter.row_count;
    for (int64_t column = first; column < first + count; column += kSumColumns) {
      const int64_t n = std::min(kSumColumns, first + count - column);
      const int64_t rows_at_once = kSums / n;
      for (int64_t i = adapter.first_row; i < end_row; i += rows_at_once) {
        const int64_t rows = std::min(rows_at_once, end_row - i);
        pair.b().multiply({.out = sums,
                           .out_stride = n,
                           .x = {products.row(part_index, i), products.stride},
                           .rows = rows,
                           .first_row = column,
                           .row_count = n,
                           .first_column = 0,
                           .column_count = pair.b().columns()});
        for (int64_t r = 0; r < rows; ++r)
          kernels.add_f32(row(part.out, i + r) + column, sums + r * n, n);
      }
    }
  });
}

std::unique_ptr<LowRank> CpuBackend::load_low_rank(const Tensor& a, const Tensor& b, float factor) {
  return std::make_unique<CpuLowRank>(a, b, factor, kernels_, arena_);
}

int64_t CpuBackend::low_rank_bytes(const Tensor& a, const Tensor& b) const {
  return PackedFloats::packed_bytes(a) + PackedFloats::packed_bytes(b);
}

LowRankProducts CpuBackend::low_rank_products(std::span<const LinearPart> parts,
                                              const Activations& x) {
  const bool has_any = std::any_of(parts.begin(), parts.end(),
                                   [](const LinearPart& part) { return !part.adapters.empty(); });
  if (!has_any) return {};
  return static_cast<CpuBuffer*>(x.buffer)->low_rank().multiply(parts, x, kernels_, team_);
}

void CpuBackend::add_low_rank(const LinearPart& part, const Activations& x) {
  const LowRankProducts products = low_rank_products({&part, 1}, x);
  const int64_t columns = part.out.columns;
  const int64_t pieces = (columns + kSumColumns - 1) / kSumColumns;
  team_.for_each(pieces, 1, [&](int64_t begin, int64_t end) {
    const int64_t first = begin * kSumColumns;
    const int64_t last = std::min(end * kSumColumns, columns);
    add_low_rank_to(kernels_, part, products, 0, first, last - first);
  });
}

}  // namespace sparrow
