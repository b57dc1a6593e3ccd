// Random bytes that are blocks of a weight format, with values that a test can compute with.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

#include "tensor/formats/format.h"

namespace sparrow::test_support {

// `block_count` blocks; every value is finite and smaller than `limit`. About one random block in
// forty has a small enough scale, and a few dozen tries cost microseconds.
inline std::vector<std::byte> random_blocks(const Format& format, int64_t block_count,
                                            std::mt19937& random, float limit = 100) {
  std::vector<std::byte> bytes(static_cast<size_t>(block_count * format.block_bytes));
  std::vector<float> values(static_cast<size_t>(format.block_values));
  for (int64_t i = 0; i < block_count; ++i) {
    std::byte* block = bytes.data() + i * format.block_bytes;
    const auto is_tame = [&] {
      format.dequantize(block, values.data(), 1);
      return std::all_of(values.begin(), values.end(),
                         [&](float v) { return std::isfinite(v) && std::abs(v) < limit; });
    };
    do {
      for (int64_t j = 0; j < format.block_bytes; ++j) block[j] = std::byte(random());
    } while (!is_tame());
  }
  return bytes;
}

}  // namespace sparrow::test_support
