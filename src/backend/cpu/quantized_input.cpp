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
                                                bool in_16_bits,
                                                const kernels::KernelTable& kernels,
                                                ThreadTeam& team) {
  SPARROW_CHECK(columns % kernels::kQuantGroup == 0);
  const int64_t groups = columns / kernels::kQuantGroup;
  hold(high_, rows * columns);
  if (in_16_bits) hold(low_, rows * columns);
  hold(scales_, rows * groups);
  hold(minus_sums16_, rows * groups * 2);
  hold(minus_sums32_, rows * groups);
  hold(scaled_sums16_, rows * groups * 2);
  hold(scaled_sums32_, rows * groups);
  const int64_t grain = std::max<int64_t>(1, 16384 / columns);
  team.for_each(rows, grain, [&](int64_t begin, int64_t end) {
    const int64_t first = begin * groups;
    kernels.quantize({.x = x + begin * columns,
                      .count = (end - begin) * columns,
                      .high = high_.data() + begin * columns,
                      .low = in_16_bits ? low_.data() + begin * columns : nullptr,
                      .scales = scales_.data() + first,
                      .minus_sums16 = minus_sums16_.data() + 2 * first,
                      .minus_sums32 = minus_sums32_.data() + first,
                      .scaled_sums16 = scaled_sums16_.data() + 2 * first,
                      .scaled_sums32 = scaled_sums32_.data() + first});
  });
  return {.high = high_.data(),
          .low = in_16_bits ? low_.data() : nullptr,
          .scales = scales_.data(),
          .minus_sums16 = minus_sums16_.data(),
          .minus_sums32 = minus_sums32_.data(),
          .scaled_sums16 = scaled_sums16_.data(),
          .scaled_sums32 = scaled_sums32_.data()};
}

}  // namespace sparrow
