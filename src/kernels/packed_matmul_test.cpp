// Products with packed weights and the quantization of activations, on every instruction set: the
// bits of the plain version in scalar/, over shapes that are not round, with unreadable pages right
// behind what a kernel may touch; and the plain version against double arithmetic on the values
// that the formats' references read from the file's bytes.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>
#include <random>
#include <vector>

#include "kernels/dispatch.h"
#include "tensor/packing.h"
#include "tests/support/guarded.h"
#include "tests/support/random_blocks.h"
#include "tests/support/runnable_kernels.h"

namespace sparrow::kernels {
namespace {

using test_support::Guarded;

struct Quantized {
  Quantized(const KernelTable& table, const std::vector<float>& x, int64_t m, int64_t k)
      : rows_(m),
        k_(k),
        blocks(m * block_count()),
        low(m * block_count()),
        wide(m * block_count()) {
    Guarded<float> input(m * k);
    std::copy(x.begin(), x.end(), input.data());
    for (int64_t i = 0; i < m; ++i) {
      table.quantize({.x = input.data() + i * k,
                      .count = k,
                      .blocks = blocks.data() + i,
                      .low = low.data() + i,
                      .wide = wide.data() + i,
                      .stride = m});
    }
    rows = {blocks.data(), low.data(), wide.data(), m};
  }
  int64_t block_count() const { return (k_ + kQuantBlock - 1) / kQuantBlock; }
  const QuantizedBlock& block(int64_t row, int64_t value) const {
    return blocks.data()[value / kQuantBlock * rows_ + row];
  }
  const LowPlane& low_plane(int64_t row, int64_t value) const {
    return low.data()[&block(row, value) - blocks.data()];
  }
  uint8_t wide_groups(int64_t row, int64_t value) const {
    return wide.data()[value / kQuantBlock * rows_ + row];
  }
  bool is_wide(int64_t row, int64_t value) const {
    return (wide_groups(row, value) >> value % kQuantBlock / kQuantGroup & 1) != 0;
  }
  // In steps of scale().
  int q(int64_t row, int64_t value) const {
    const int high = block(row, value).high[value % kQuantBlock];
    if (!is_wide(row, value)) return high;
    return 256 * high + low_plane(row, value).low[value % kQuantBlock];
  }
  float scale(int64_t row, int64_t value) const {
    const float scale = block(row, value).scales[value % kQuantBlock / kQuantGroup];
    return is_wide(row, value) ? scale / 256 : scale;
  }

  int64_t rows_, k_;
  Guarded<QuantizedBlock> blocks;
  Guarded<LowPlane> low;
  Guarded<uint8_t> wide;
  QuantizedRows rows;
};

// [rows][k] in the file's form.
std::vector<std::byte> random_weight(const Format& format, int64_t rows, int64_t k,
                                     std::mt19937& random) {
  return test_support::random_blocks(format, rows * k / format.block_values, random);
}

struct Packed {
  Packed(const Format& format, const std::vector<std::byte>& file, int64_t n, int64_t k)
      : row_bytes(k / format.block_values * format.block_bytes),
        tiles((n + kPackedRows - 1) / kPackedRows * kPackedRows * row_bytes) {
    for (int64_t row = 0; row < n; row += kPackedRows) {
      pack_tile(format, file.data() + row * row_bytes, std::min(kPackedRows, n - row), row_bytes,
                reinterpret_cast<std::byte*>(tiles.data()) + row * row_bytes);
    }
  }
  int64_t row_bytes;
  Guarded<uint8_t> tiles;
};

std::vector<float> random_floats(int64_t count, std::mt19937& random) {
  std::normal_distribution<float> normal(0, 1);
  std::vector<float> values(static_cast<size_t>(count));
  for (float& value : values) value = normal(random);
  // Outliers, as activations have them: some groups hold one, most none.
  for (size_t i = 7; i < values.size(); i += 97) values[i] *= 40;
  return values;
}

std::vector<const Format*> packable() {
  std::vector<const Format*> all;
  for (const Format& format : formats()) {
    if (find_kernels("scalar")->find_packed_matmul(format.gguf_id) != nullptr)
      all.push_back(&format);
  }
  return all;
}

bool same_bits(const float* a, const float* b, int64_t count) {
  return std::memcmp(a, b, static_cast<size_t>(count) * sizeof(float)) == 0;
}

// Or both not one.
bool same_number(float a, float b) { return a == b || (std::isnan(a) && std::isnan(b)); }

class PackedMatmulOn : public testing::TestWithParam<const KernelTable*> {
 protected:
  const KernelTable& table() const { return *GetParam(); }
  const KernelTable& plain() const { return *find_kernels("scalar"); }
  std::mt19937 random_{11};
};

TEST_P(PackedMatmulOn, quantizes_to_the_bits_of_the_plain_version) {
  std::vector<float> x = random_floats(32 * 9, random_);
  std::fill_n(x.begin() + 32, 32, 0.0f);           // nothing but zeros
  std::fill_n(x.begin() + 64, 32, 1e-38f);         // below what is scaled
  x[96] = std::numeric_limits<float>::infinity();  // groups that become NaN
  x[128] = std::numeric_limits<float>::quiet_NaN();
  x[160] = std::numeric_limits<float>::max();
  for (size_t i = 192; i < 224; ++i) x[i] = static_cast<float>(i) - 207.5f;  // ties
  const std::vector<float> tame = random_floats(32 * 40, random_);
  for (const std::vector<float>& values : {x, tame}) {
    const int64_t count = static_cast<int64_t>(values.size());
    const Quantized expected(plain(), values, 1, count);
    const Quantized found(table(), values, 1, count);
    int64_t outliers = 0;
    for (int64_t value = 0; value < count; ++value)
      EXPECT_EQ(found.q(0, value), expected.q(0, value)) << value;
    for (int64_t group = 0; group < count / 32; ++group) {
      const QuantizedBlock& a = found.block(0, group * 32);
      const QuantizedBlock& b = expected.block(0, group * 32);
      const int64_t at = group % kQuantBlockGroups;
      EXPECT_EQ(found.wide_groups(0, group * 32), expected.wide_groups(0, group * 32)) << group;
      EXPECT_TRUE(same_bits(a.scales + at, b.scales + at, 1)) << group;
      EXPECT_EQ(a.minus_sums32[at], b.minus_sums32[at]) << group;
      EXPECT_TRUE(same_number(a.sums32[at], b.sums32[at])) << group;
      for (int64_t half = 2 * at; half < 2 * at + 2; ++half) {
        EXPECT_EQ(a.minus_sums16[half], b.minus_sums16[half]) << group;
        EXPECT_TRUE(same_number(a.sums16[half], b.sums16[half])) << group;
      }
      if (!found.is_wide(0, group * 32)) continue;
      ++outliers;
      const LowPlane& low = found.low_plane(0, group * 32);
      const LowPlane& expected_low = expected.low_plane(0, group * 32);
      EXPECT_EQ(low.minus_sums32[at], expected_low.minus_sums32[at]) << group;
      EXPECT_EQ(low.minus_sums16[2 * at], expected_low.minus_sums16[2 * at]) << group;
      EXPECT_EQ(low.minus_sums16[2 * at + 1], expected_low.minus_sums16[2 * at + 1]) << group;
    }
    if (values == tame) {
      EXPECT_GT(outliers, 0);
      EXPECT_LT(outliers, count / 64);
    } else {
      EXPECT_EQ(outliers, 0) << "beside an infinity nothing stands out";
    }
  }
}

TEST_P(PackedMatmulOn, multiplies_to_the_bits_of_the_plain_version_on_odd_shapes) {
  for (const Format* format : packable()) {
    const PackedMatmul expected_matmul = plain().find_packed_matmul(format->gguf_id);
    const PackedMatmul matmul = table().find_packed_matmul(format->gguf_id);
    ASSERT_NE(matmul, nullptr) << format->name;
    for (const int64_t k : {format->block_values, 3 * format->block_values, int64_t{768}}) {
      for (const int64_t n : {1, 16, 31, 33}) {
        const Packed w(*format, random_weight(*format, n, k, random_), n, k);
        for (const int64_t m : {1, 2, 3, 4, 5, 6, 7, 9, 13}) {
          const Quantized x(plain(), random_floats(m * k, random_), m, k);
          const Guarded<float> expected(m * n);
          const Guarded<float> found(m * n);
          PackedMatmulArgs args = {
              expected.data(),         n, nullptr, x.rows, nullptr, m, w.tiles.data(),
              kTileRows * w.row_bytes, n, k};
          expected_matmul(args);
          args.out = found.data();
          matmul(args);
          ASSERT_TRUE(same_bits(found.data(), expected.data(), m * n))
              << format->name << " " << m << "x" << n << "x" << k;
        }
      }
    }
  }
}

TEST_P(PackedMatmulOn, gives_a_row_the_same_bits_alone_and_among_more_than_a_panel_takes) {
  constexpr int64_t kM = 520, kN = 20, kK = 512;
  for (const char* name : {"Q2_K", "Q4_K", "Q6_K", "Q8_0"}) {
    const Format* format = find_format(name);
    const PackedMatmul matmul = table().find_packed_matmul(format->gguf_id);
    const Packed w(*format, random_weight(*format, kN, kK, random_), kN, kK);
    const Quantized x(plain(), random_floats(kM * kK, random_), kM, kK);
    const Guarded<float> all(kM * kN);
    PackedMatmulArgs args = {all.data(), kN, nullptr,        x.rows,
                             nullptr,    kM, w.tiles.data(), kTileRows * w.row_bytes,
                             kN,         kK};
    matmul(args);
    for (const int32_t i : {0, 15, 16, 111, 112, 259, 260, 511, 519}) {
      const Guarded<float> alone(kN);
      args.out = alone.data();
      args.x_rows = &i;
      args.m = 1;
      matmul(args);
      EXPECT_TRUE(same_bits(all.data() + i * kN, alone.data(), kN)) << name << " " << i;
    }
  }
}

TEST_P(PackedMatmulOn, takes_and_gives_the_rows_it_is_told) {
  constexpr int64_t kK = 256, kN = 40, kStride = 50;
  const std::vector<int32_t> x_rows = {5, 0, 3, 3, 1, 4, 2};
  const std::vector<int32_t> out_rows = {2, 6, 0, 5, 3, 1, 4};
  for (const Format* format : packable()) {
    const PackedMatmul matmul = table().find_packed_matmul(format->gguf_id);
    const Packed w(*format, random_weight(*format, kN, kK, random_), kN, kK);
    const Quantized x(plain(), random_floats(7 * kK, random_), 7, kK);
    std::vector<float> in_order(7 * kN);
    std::vector<float> scattered(7 * kStride, 100.0f);
    PackedMatmulArgs args = {
        in_order.data(),         kN, nullptr, x.rows, nullptr, 7, w.tiles.data(),
        kTileRows * w.row_bytes, kN, kK};
    matmul(args);
    args.out = scattered.data();
    args.out_stride = kStride;
    args.x_rows = x_rows.data();
    args.out_rows = out_rows.data();
    matmul(args);
    for (size_t i = 0; i < x_rows.size(); ++i) {
      const float* row = scattered.data() + out_rows[i] * kStride;
      EXPECT_TRUE(same_bits(row, in_order.data() + x_rows[i] * kN, kN)) << format->name;
      EXPECT_EQ(row[kN], 100.0f) << "wrote beyond the row";
    }
  }
}

TEST_P(PackedMatmulOn, equals_double_arithmetic_on_the_files_values) {
  constexpr int64_t kM = 3, kN = 20, kK = 512;
  for (const Format* format : packable()) {
    const std::vector<std::byte> file = random_weight(*format, kN, kK, random_);
    std::vector<float> values(kN * kK);
    format->dequantize(file.data(), values.data(), kN * kK / format->block_values);
    const Packed w(*format, file, kN, kK);
    const Quantized x(plain(), random_floats(kM * kK, random_), kM, kK);
    std::vector<float> found(kM * kN);
    table().find_packed_matmul(format->gguf_id)({found.data(), kN, nullptr, x.rows, nullptr, kM,
                                                 w.tiles.data(), kTileRows * w.row_bytes, kN, kK});
    for (int64_t i = 0; i < kM; ++i) {
      for (int64_t j = 0; j < kN; ++j) {
        double dot = 0;
        double size = 0;
        for (int64_t l = 0; l < kK; ++l) {
          const double product = static_cast<double>(x.q(i, l)) * x.scale(i, l) *
                                 static_cast<double>(values[static_cast<size_t>(j * kK + l)]);
          dot += product;
          size += std::abs(product);
        }
        // f32 keeps 24 bits of each of the 16 groups' sums, and of what they add up to.
        EXPECT_NEAR(found[static_cast<size_t>(i * kN + j)], dot, size * 4e-6) << format->name;
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(, PackedMatmulOn, testing::ValuesIn(testable_kernels()),
                         [](const auto& info) { return kernels_name(*info.param); });

}  // namespace
}  // namespace sparrow::kernels
