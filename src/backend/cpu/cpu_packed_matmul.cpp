// Products with packed weights. The input is quantized once for all matrices that share it and take
// it so; threads then share out pairs of tiles, over all these matrices at once.
#include <algorithm>
#include <array>

#include "backend/cpu/cpu_backend.h"
#include "backend/cpu/cpu_buffer.h"
#include "backend/cpu/cpu_routing.h"
#include "backend/cpu/cpu_weight.h"
#include "base/error.h"

namespace sparrow {
namespace {

using kernels::kTileRows;

// Kernels work on two tiles at a time.
constexpr int64_t kPieceRows = 2 * kTileRows;

int64_t piece_count(int64_t rows) { return (rows + kPieceRows - 1) / kPieceRows; }

// How many pieces a thread takes at once. Few rows are as quick as memory, which kernels ask ahead:
// two long stretches a thread, so that little is asked for that another takes. Many rows take their
// time: the more, the shorter the stretches, so that threads end together.
int64_t pieces_at_once(int64_t count, int64_t members, int64_t bytes_a_piece, int64_t rows) {
  constexpr int64_t kFewRows = 4;
  constexpr int64_t kManyRows = 512;
  constexpr int64_t kWorthwhileBytes = 32768;  // with so many rows
  if (rows <= kFewRows) return (count + 2 * members - 1) / (2 * members);
  const int64_t fair = std::max<int64_t>(1, count / (members * 8));
  const int64_t products = kWorthwhileBytes * kManyRows / rows;
  return std::clamp<int64_t>(products / std::max<int64_t>(1, bytes_a_piece), 1, fair);
}

const CpuWeight& cpu(const Weight& weight) { return static_cast<const CpuWeight&>(weight); }

// Some rows of x times some of a weight.
struct Product {
  float* out;
  int64_t out_stride;
  const int32_t* out_rows;  // null: row i is i
  const int32_t* x_rows;    // null: row i is i
  int64_t m;                // rows of x
  int64_t tile;             // the weight's first
  int64_t n;                // its rows
};

template <typename Rows>
void multiply(void (*matmul)(const kernels::TileMatmulArgs<Rows>& args), const CpuWeight& weight,
              const Rows& x, const Product& p) {
  matmul({.out = p.out,
          .out_stride = p.out_stride,
          .out_rows = p.out_rows,
          .x = x,
          .x_rows = p.x_rows,
          .m = p.m,
          .w = weight.tile(p.tile),
          .tile_bytes = weight.tile_bytes(),
          .n = p.n,
          .k = weight.shape()[0]});
}

void multiply(const CpuWeight& weight, const PackedInput& x, const Product& p) {
  if (weight.takes_quantized()) return multiply(weight.packed_matmul(), weight, x.quantized, p);
  if (weight.takes_bf16()) return multiply(weight.bf16_matmul(), weight, x.bf16, p);
  multiply(weight.float_matmul(), weight, x.values, p);
}

// Rows [32 begin, 32 end) of the weight, times all of x.
void multiply(const LinearPart& part, const PackedInput& x, int64_t begin, int64_t end) {
  const int64_t first = begin * kPieceRows;
  multiply(cpu(*part.weight), x,
           {.out = data(part.out) + first,
            .out_stride = part.out.columns,
            .out_rows = nullptr,
            .x_rows = nullptr,
            .m = part.out.rows,
            .tile = first / kTileRows,
            .n = std::min(end * kPieceRows, part.out.columns) - first});
}

// What comes to these rows' products besides.
void add_bias_and_adapters(const kernels::KernelTable& kernels, const LinearPart& part,
                           const LowRankProducts& products, int64_t part_index, int64_t begin,
                           int64_t end) {
  const int64_t first = begin * kPieceRows;
  const int64_t count = std::min(end * kPieceRows, part.out.columns) - first;
  if (part.bias != nullptr) {
    for (int64_t i = 0; i < part.out.rows; ++i)
      kernels.add_f32(row(part.out, i) + first, cpu(*part.bias).values() + first, count);
  }
  add_low_rank_to(kernels, part, products, part_index, first, count);
}

void check_shapes(const LinearPart& part, const Activations& x) {
  SPARROW_CHECK(x.columns == part.weight->shape()[0]);
  SPARROW_CHECK(part.out.columns == part.weight->shape()[1] && part.out.rows == x.rows);
  SPARROW_CHECK(part.bias == nullptr || part.bias->shape()[0] == part.out.columns);
}

}  // namespace

bool CpuBackend::are_packed(std::span<const LinearPart> parts) const {
  return std::all_of(parts.begin(), parts.end(),
                     [&](const LinearPart& part) { return cpu(*part.weight).is_packed(); });
}

PackedInput CpuBackend::packed_input(const Activations& x, std::span<const LinearPart> parts) {
  const auto any = [&](bool (CpuWeight::*takes)() const) {
    return std::any_of(parts.begin(), parts.end(),
                       [&](const LinearPart& part) { return (cpu(*part.weight).*takes)(); });
  };
  QuantizedInput& place = static_cast<CpuBuffer*>(x.buffer)->quantized_input();
  PackedInput input = {{data(x), x.columns}, {}, {}};
  if (any(&CpuWeight::takes_quantized))
    input.quantized = place.quantize(data(x), x.rows, x.columns, kernels_, team_);
  if (any(&CpuWeight::takes_bf16))
    input.bf16 = place.round(data(x), x.rows, x.columns, kernels_, team_);
  return input;
}

void CpuBackend::linears(std::span<const LinearPart> parts, const Activations& x) {
  if (x.rows == 0) return;
  if (!are_packed(parts)) {
    Backend::linears(parts, x);
    return;
  }
  int64_t count = 0;
  for (const LinearPart& part : parts) {
    check_shapes(part, x);
    count += piece_count(part.out.columns);
  }
  const PackedInput input = packed_input(x, parts);
  const LowRankProducts low_rank = low_rank_products(parts, x);
  const int64_t bytes = 2 * cpu(*parts.front().weight).tile_bytes();
  team_.for_each(count, pieces_at_once(count, team_.member_count(), bytes, x.rows),
                 [&](int64_t begin, int64_t end) {
                   int64_t start = 0;  // of the part at hand
                   for (size_t i = 0; i < parts.size(); ++i) {
                     const LinearPart& part = parts[i];
                     const int64_t pieces = piece_count(part.out.columns);
                     const int64_t from = std::max(begin - start, int64_t{0});
                     const int64_t to = std::min(end - start, pieces);
                     if (from < to) {
                       multiply(part, input, from, to);
                       add_bias_and_adapters(kernels_, part, low_rank, static_cast<int64_t>(i),
                                             from, to);
                     }
                     start += pieces;
                   }
                 });
}

void CpuBackend::gated_linear(const LinearPart& gate, const LinearPart& up, const Activations& x) {
  const std::array<LinearPart, 2> parts = {gate, up};
  if (x.rows == 0) return;
  if (!are_packed(parts) || gate.out.columns != up.out.columns) {
    Backend::gated_linear(gate, up, x);
    return;
  }
  for (const LinearPart& part : parts) check_shapes(part, x);
  const PackedInput input = packed_input(x, parts);
  const LowRankProducts low_rank = low_rank_products(parts, x);
  const int64_t count = piece_count(gate.out.columns);
  const int64_t bytes = 4 * cpu(*gate.weight).tile_bytes();
  team_.for_each(count, pieces_at_once(count, team_.member_count(), bytes, x.rows),
                 [&](int64_t begin, int64_t end) {
                   for (size_t i = 0; i < parts.size(); ++i) {
                     multiply(parts[i], input, begin, end);
                     add_bias_and_adapters(kernels_, parts[i], low_rank, static_cast<int64_t>(i),
                                           begin, end);
                   }
                   const int64_t first = begin * kPieceRows;
                   const int64_t width = std::min(end * kPieceRows, gate.out.columns) - first;
                   for (int64_t i = 0; i < x.rows; ++i) {
                     float* out = row(gate.out, i) + first;
                     kernels_.silu_mul_f32(out, out, row(up.out, i) + first, width);
                   }
                 });
}

void CpuBackend::packed_expert_matmul(const Activations& out, const Activations& x,
                                      const CpuWeight& weight, const ExpertRouting& routing) {
  const CpuRouting& route = static_cast<const CpuRouting&>(routing);
  const bool is_x_shared = x.rows == route.row_count;
  const PackedInput input = packed_input(x, {{{out, &weight, nullptr}}});
  const int64_t pieces_each = piece_count(out.columns);
  team_.for_each(route.expert_count * pieces_each, 1, [&](int64_t begin, int64_t end) {
    for (int64_t piece = begin; piece < end; ++piece) {
      const size_t expert = static_cast<size_t>(piece / pieces_each);
      const int64_t start = route.starts[expert];
      const int64_t m = route.starts[expert + 1] - start;
      if (m == 0) continue;
      const int32_t* pairs = route.sorted_pairs.data() + start;
      const int32_t* rows = route.sorted_rows.data() + start;
      const int64_t first = piece % pieces_each * kPieceRows;
      const int64_t tile =
          static_cast<int64_t>(expert) * weight.tiles_per_expert() + first / kTileRows;
      multiply(weight, input,
               {.out = data(out) + first,
                .out_stride = out.columns,
                .out_rows = pairs,
                .x_rows = is_x_shared ? rows : pairs,
                .m = m,
                .tile = tile,
                .n = std::min(kPieceRows, out.columns - first)});
    }
  });
}

}  // namespace sparrow
