#include "backend/cpu/quantized_input.h"

#include <algorithm>

#include "base/error.h"

namespace sparrow {
namespace {

template <typename T>
void hold(std::vector<T>& values, int64_t count) {
  if (static_cast<int64_t>(values.size()) < count) values.resize(static_cast<size_t>(count));
}

}  // namespace

kernels::QuantizedRows QuantizedInput::quantize(const float* x, int64_t rows, int64_t columns,
                                                const kernels::KernelTable& kernels,
                                                ThreadTeam& team) {
  SPARROW_CHECK(columns % kernels::kQuantGroup == 0);
  const int64_t blocks = (columns + kernels::kQuantBlock - 1) / kernels::kQuantBlock;
  hold(blocks_, rows * blocks);
  hold(low_, rows * blocks);
  hold(wide_, rows * blocks);
  const int64_t grain = std::max<int64_t>(1, 16384 / columns);
  team.for_each(rows, grain, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      kernels.quantize({.x = x + row * columns,
                        .count = columns,
                        .blocks = blocks_.data() + row,
                        .low = low_.data() + row,
                        .wide = wide_.data() + row,
                        .stride = rows});
    }
  });
  return {.blocks = blocks_.data(), .low = low_.data(), .wide = wide_.data(), .rows = rows};
}

kernels::Bf16Rows QuantizedInput::round(const float* x, int64_t rows, int64_t columns,
                                        const kernels::KernelTable& kernels, ThreadTeam& team) {
  constexpr int64_t kPart = kernels::kFloatPart;
  hold(bf16_, rows * ((columns + kPart - 1) / kPart) * kPart);
  const int64_t grain = std::max<int64_t>(1, 16384 / columns);
  team.for_each(rows, grain, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      for (int64_t part = 0; part < columns; part += kPart) {
        kernels.convert_bf16_f32(bf16_.data() + part * rows + row * kPart, x + row * columns + part,
                                 std::min(kPart, columns - part));
      }
    }
  });
  return {.values = bf16_.data(), .rows = rows};
}

}  // namespace sparrow
