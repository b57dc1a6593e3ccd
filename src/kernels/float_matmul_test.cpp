// Products of f32 with packed weights of plain numbers, on every instruction set: the bits of the
// plain version in scalar/, over shapes that are not round, with unreadable pages right behind what
// a kernel may touch; and the plain version against double arithmetic on the file's numbers.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <string_view>
#include <vector>

#include "kernels/dispatch.h"
#include "kernels/scalar/table.h"
#include "tensor/packing.h"
#include "tests/support/guarded.h"
#include "tests/support/random_blocks.h"
#include "tests/support/runnable_kernels.h"

namespace sparrow::kernels {
namespace {

using test_support::Guarded;
using Floats = std::vector<float>;

Floats random_floats(int64_t count, std::mt19937& random) {
  std::normal_distribution<float> normal(0, 1);
  Floats values(static_cast<size_t>(count));
  for (float& value : values) value = normal(random);
  return values;
}

std::vector<const Format*> plain_formats() {
  std::vector<const Format*> all;
  for (const Format& format : formats()) {
    if (find_kernels("scalar")->find_float_matmul(format.gguf_id) != nullptr)
      all.push_back(&format);
  }
  return all;
}

// [n][k] numbers of a format: as in a file, and packed.
struct Numbers {
  Numbers(const Format& format, int64_t n, int64_t k, std::mt19937& random)
      : format(format),
        n(n),
        k(k),
        file(test_support::random_blocks(format, n * k, random)),
        tiles((n + kTileRows - 1) / kTileRows * tile_bytes()) {
    pack();
  }
  int64_t row_bytes() const { return k * format.block_bytes; }
  int64_t tile_bytes() const { return kTileRows * row_bytes(); }
  void pack() {
    for (int64_t row = 0; row < n; row += kTileRows) {
      pack_tile(format, file.data() + row * row_bytes(), std::min(kTileRows, n - row), row_bytes(),
                reinterpret_cast<std::byte*>(tiles.data()) + row * row_bytes());
    }
  }
  Floats values() const {
    Floats all(static_cast<size_t>(n * k));
    format.dequantize(file.data(), all.data(), n * k);
    return all;
  }
  const Format& format;
  int64_t n, k;
  std::vector<std::byte> file;
  Guarded<uint8_t> tiles;
};

Floats bf16_product(Bf16Matmul matmul, const Floats& x, int64_t m, const Numbers& w,
                    const int32_t* x_rows = nullptr) {
  const Guarded<uint16_t> in(m * ((w.k + kFloatPart - 1) / kFloatPart) * kFloatPart);
  for (int64_t i = 0; i < m; ++i) {
    for (int64_t part = 0; part < w.k; part += kFloatPart) {
      find_kernels("scalar")->convert_bf16_f32(in.data() + part * m + i * kFloatPart,
                                               x.data() + i * w.k + part,
                                               std::min(kFloatPart, w.k - part));
    }
  }
  const Guarded<float> out(m * w.n);
  matmul({.out = out.data(),
          .out_stride = w.n,
          .out_rows = nullptr,
          .x = {in.data(), m},
          .x_rows = x_rows,
          .m = m,
          .w = w.tiles.data(),
          .tile_bytes = w.tile_bytes(),
          .n = w.n,
          .k = w.k});
  return Floats(out.data(), out.data() + m * w.n);
}

class FloatMatmulOn : public testing::TestWithParam<const KernelTable*> {
 protected:
  Floats product(const KernelTable& table, const Floats& x, int64_t m, const Numbers& w) const {
    const Guarded<float> in(m * w.k);
    std::copy(x.begin(), x.end(), in.data());
    const Guarded<float> out(m * w.n);
    table.find_float_matmul(w.format.gguf_id)({.out = out.data(),
                                               .out_stride = w.n,
                                               .out_rows = nullptr,
                                               .x = {in.data(), w.k},
                                               .x_rows = nullptr,
                                               .m = m,
                                               .w = w.tiles.data(),
                                               .tile_bytes = w.tile_bytes(),
                                               .n = w.n,
                                               .k = w.k});
    return Floats(out.data(), out.data() + m * w.n);
  }
  const KernelTable& table() const { return *GetParam(); }
  const KernelTable& plain() const { return *find_kernels("scalar"); }
  Bf16Matmul plain_bf16() const {
    return std::string_view(table().isa) == "amx" ? scalar::bf16_tile_matmul : plain().bf16_matmul;
  }
  std::mt19937 random_{12};
};

TEST_P(FloatMatmulOn, gives_the_bits_of_the_plain_version_on_odd_shapes) {
  ASSERT_EQ(plain_formats().size(), 3u);
  for (const Format* format : plain_formats()) {
    for (const int64_t k : {32, 128, 160, 288}) {
      for (const int64_t n : {1, 16, 31, 49, 80}) {
        const Numbers w(*format, n, k, random_);
        for (const int64_t m : {1, 2, 3, 4, 5, 11, 12, 13, 30}) {
          const Floats x = random_floats(m * k, random_);
          const Floats expected = product(plain(), x, m, w);
          const Floats found = product(table(), x, m, w);
          ASSERT_EQ(std::memcmp(found.data(), expected.data(), found.size() * sizeof(float)), 0)
              << format->name << " " << m << "x" << n << "x" << k;
        }
      }
    }
  }
}

TEST_P(FloatMatmulOn, gives_a_row_the_same_bits_alone_and_among_more_than_a_panel_takes) {
  constexpr int64_t kM = 520, kN = 20, kK = 64;
  const Numbers w(*find_format("BF16"), kN, kK, random_);
  const Floats x = random_floats(kM * kK, random_);
  const Floats all = product(table(), x, kM, w);
  for (const int64_t i : {0, 259, 260, 511, 519}) {
    const Floats alone = product(table(), Floats(&x[i * kK], &x[i * kK] + kK), 1, w);
    EXPECT_EQ(std::memcmp(alone.data(), &all[i * kN], kN * sizeof(float)), 0) << i;
  }
}

TEST_P(FloatMatmulOn, takes_and_gives_the_rows_it_is_told) {
  constexpr int64_t kN = 40, kK = 96, kStride = 50;
  const std::vector<int32_t> x_rows = {5, 0, 3, 3, 1, 4, 2};
  const std::vector<int32_t> out_rows = {2, 6, 0, 5, 3, 1, 4};
  for (const Format* format : plain_formats()) {
    const Numbers w(*format, kN, kK, random_);
    const Floats x = random_floats(7 * kK, random_);
    const Floats in_order = product(plain(), x, 7, w);
    Floats scattered(7 * kStride, 100.0f);
    table().find_float_matmul(format->gguf_id)({.out = scattered.data(),
                                                .out_stride = kStride,
                                                .out_rows = out_rows.data(),
                                                .x = {x.data(), kK},
                                                .x_rows = x_rows.data(),
                                                .m = 7,
                                                .w = w.tiles.data(),
                                                .tile_bytes = w.tile_bytes(),
                                                .n = kN,
                                                .k = kK});
    for (size_t i = 0; i < x_rows.size(); ++i) {
      const float* row = scattered.data() + out_rows[i] * kStride;
      EXPECT_EQ(std::memcmp(row, in_order.data() + x_rows[i] * kN, kN * sizeof(float)), 0)
          << format->name;
      EXPECT_EQ(row[kN], 100.0f) << "wrote beyond the row";
    }
  }
}

TEST_P(FloatMatmulOn, equals_double_arithmetic_on_the_files_values) {
  constexpr int64_t kM = 3, kN = 20, kK = 512;
  for (const Format* format : plain_formats()) {
    const Numbers w(*format, kN, kK, random_);
    const Floats values = w.values();
    const Floats x = random_floats(kM * kK, random_);
    const Floats found = product(table(), x, kM, w);
    for (int64_t i = 0; i < kM; ++i) {
      for (int64_t j = 0; j < kN; ++j) {
        double dot = 0;
        double size = 0;
        for (int64_t l = 0; l < kK; ++l) {
          const double product = static_cast<double>(x[static_cast<size_t>(i * kK + l)]) *
                                 static_cast<double>(values[static_cast<size_t>(j * kK + l)]);
          dot += product;
          size += std::abs(product);
        }
        EXPECT_NEAR(found[static_cast<size_t>(i * kN + j)], dot, size * 4e-6) << format->name;
      }
    }
  }
}

TEST_P(FloatMatmulOn, keeps_a_nan_an_infinity_and_a_denormal_in_their_own_results) {
  constexpr int64_t kN = 17, kK = 32;
  for (const int64_t m : {1, 6}) {
    Numbers w(*find_format("F32"), kN, kK, random_);
    const auto set = [&](int64_t row, float value) {
      std::memcpy(w.file.data() + row * w.row_bytes(), &value, sizeof value);
    };
    set(1, std::numeric_limits<float>::quiet_NaN());
    set(2, std::numeric_limits<float>::infinity());
    set(3, std::numeric_limits<float>::denorm_min());
    w.pack();
    const Floats found = product(table(), Floats(static_cast<size_t>(m * kK), 1.0f), m, w);
    for (int64_t i = 0; i < m; ++i) {
      for (int64_t j = 0; j < kN; ++j) {
        const float value = found[static_cast<size_t>(i * kN + j)];
        EXPECT_EQ(std::isnan(value), j == 1) << j;
        EXPECT_EQ(std::isinf(value), j == 2) << j;
      }
    }
  }
}

TEST_P(FloatMatmulOn, gives_the_bits_of_the_plain_version_in_bf16) {
  if (table().bf16_matmul == nullptr) return;
  for (const int64_t k : {32, 128, 160, 1056}) {
    for (const int64_t n : {1, 16, 31, 49, 80}) {
      const Numbers w(*find_format("BF16"), n, k, random_);
      for (const int64_t m : {1, 2, 3, 4, 5, 11, 12, 13, 16, 30, 32, 67}) {
        const Floats x = random_floats(m * k, random_);
        const Floats expected = bf16_product(plain_bf16(), x, m, w);
        const Floats found = bf16_product(table().bf16_matmul, x, m, w);
        ASSERT_EQ(std::memcmp(found.data(), expected.data(), found.size() * sizeof(float)), 0)
            << m << "x" << n << "x" << k;
      }
    }
  }
}

TEST_P(FloatMatmulOn, takes_the_rows_it_is_told_in_bf16) {
  if (table().bf16_matmul == nullptr) return;
  constexpr int64_t kN = 40, kK = 160;
  const std::vector<int32_t> x_rows = {5, 0, 3, 3, 1, 4, 2};
  const Numbers w(*find_format("BF16"), kN, kK, random_);
  const Floats x = random_floats(7 * kK, random_);
  const Floats in_order = bf16_product(plain_bf16(), x, 7, w);
  const Floats found = bf16_product(table().bf16_matmul, x, 7, w, x_rows.data());
  for (size_t i = 0; i < x_rows.size(); ++i) {
    EXPECT_EQ(std::memcmp(&found[i * kN], in_order.data() + x_rows[i] * kN, kN * sizeof(float)), 0);
  }
}

TEST_P(FloatMatmulOn, gives_nearly_the_result_of_f32_where_bf16_holds_x) {
  if (table().bf16_matmul == nullptr) return;
  constexpr int64_t kM = 7, kN = 20, kK = 512;
  const Numbers w(*find_format("BF16"), kN, kK, random_);
  Floats x = random_floats(kM * kK, random_);
  for (float& value : x) value = std::round(value * 16) / 16;  // 8 bits are enough for these
  const Floats exact = product(plain(), x, kM, w);
  const Floats found = bf16_product(table().bf16_matmul, x, kM, w);
  for (size_t i = 0; i < exact.size(); ++i)
    EXPECT_NEAR(found[i], exact[i], 2e-5 * std::abs(exact[i]) + 1e-4) << i;
}

INSTANTIATE_TEST_SUITE_P(, FloatMatmulOn, testing::ValuesIn(testable_kernels()),
                         [](const auto& info) { return kernels_name(*info.param); });

}  // namespace
}  // namespace sparrow::kernels
