// Every kernel table against plain double arithmetic, over sizes that are not round, and the rules
// of kernel_table.h: one result never depends on how many others are computed beside it.
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

#include "kernels/dispatch.h"
#include "tensor/formats/blocks.h"
#include "tensor/formats/format.h"
#include "tests/support/runnable_kernels.h"

namespace sparrow::kernels {
namespace {

class Kernels : public testing::TestWithParam<const KernelTable*> {
 protected:
  const KernelTable& table() const { return *GetParam(); }
  std::vector<float> random_floats(int64_t count, float spread = 1.0f) {
    std::uniform_real_distribution<float> uniform(-spread, spread);
    std::vector<float> values(static_cast<size_t>(count));
    for (float& value : values) value = uniform(random_);
    return values;
  }
  std::mt19937 random_{7};
};

uint32_t bits(float value) { return std::bit_cast<uint32_t>(value); }

int64_t ulp_distance(float a, float b) {
  const auto ordered = [](float v) {
    const int32_t raw = std::bit_cast<int32_t>(v);
    return static_cast<int64_t>(raw < 0 ? std::numeric_limits<int32_t>::min() - raw : raw);
  };
  return std::abs(ordered(a) - ordered(b));
}

TEST_P(Kernels, matmul_equals_double_arithmetic_on_odd_shapes) {
  for (const int64_t m : {1, 2, 3, 4, 5, 7, 11}) {
    for (const int64_t n : {1, 2, 3, 4, 5, 9, 16}) {
      for (const int64_t k : {1, 2, 3, 5, 7, 8, 9, 12, 15, 31, 64, 511, 512}) {
        const int64_t x_stride = k + 3;
        const int64_t w_stride = k + 1;
        const std::vector<float> x = random_floats(m * x_stride);
        const std::vector<float> w = random_floats(n * w_stride);
        std::vector<float> out(static_cast<size_t>(m * (n + 2)), 100.0f);
        for (const bool accumulate : {false, true}) {
          table().matmul_f32_f32_f32({out.data(), n + 2, nullptr, x.data(), x_stride, nullptr, m,
                                      w.data(), w_stride, n, k, accumulate});
          for (int64_t i = 0; i < m; ++i) {
            for (int64_t j = 0; j < n; ++j) {
              double dot = 0;
              for (int64_t l = 0; l < k; ++l) {
                dot += static_cast<double>(x[static_cast<size_t>(i * x_stride + l)]) *
                       static_cast<double>(w[static_cast<size_t>(j * w_stride + l)]);
              }
              const double expected = accumulate ? 2 * dot : dot;
              // Each of up to 64 additions a lane may lose half an ulp of a sum below 10.
              EXPECT_NEAR(out[static_cast<size_t>(i * (n + 2) + j)], expected, 3e-5)
                  << m << "x" << n << "x" << k;
            }
            EXPECT_EQ(out[static_cast<size_t>(i * (n + 2) + n)], 100.0f) << "wrote beyond the row";
          }
        }
      }
    }
  }
}

TEST_P(Kernels, a_dot_product_has_the_same_bits_in_any_company) {
  constexpr int64_t kM = 13;
  constexpr int64_t kN = 11;
  for (const int64_t k : {5, 64, 300, 512}) {
    const std::vector<float> x = random_floats(kM * k);
    const std::vector<float> w = random_floats(kN * k);
    std::vector<float> together(kM * kN);
    table().matmul_f32_f32_f32(
        {together.data(), kN, nullptr, x.data(), k, nullptr, kM, w.data(), k, kN, k, false});
    for (int64_t m = 1; m <= 5; ++m) {
      for (int64_t n = 1; n <= 5; ++n) {
        for (int64_t i = 0; i + m <= kM; ++i) {
          for (int64_t j = 0; j + n <= kN; ++j) {
            std::vector<float> some(static_cast<size_t>(m * n));
            table().matmul_f32_f32_f32({some.data(), n, nullptr, x.data() + i * k, k, nullptr, m,
                                        w.data() + j * k, k, n, k, false});
            for (int64_t a = 0; a < m * n; ++a) {
              ASSERT_EQ(bits(some[static_cast<size_t>(a)]),
                        bits(together[static_cast<size_t>((i + a / n) * kN + j + a % n)]));
            }
          }
        }
      }
    }
  }
}

TEST_P(Kernels, matmul_takes_and_gives_rows_by_index) {
  const std::vector<float> x = random_floats(6 * 40);
  const std::vector<float> w = random_floats(3 * 40);
  std::vector<float> all(6 * 3);
  std::vector<float> some(6 * 3, 0.0f);
  table().matmul_f32_f32_f32(
      {all.data(), 3, nullptr, x.data(), 40, nullptr, 6, w.data(), 40, 3, 40, false});
  const std::vector<int32_t> x_rows = {5, 0, 3, 3};
  const std::vector<int32_t> out_rows = {1, 4, 0, 2};
  table().matmul_f32_f32_f32({some.data(), 3, out_rows.data(), x.data(), 40, x_rows.data(), 4,
                              w.data(), 40, 3, 40, false});
  for (size_t i = 0; i < 4; ++i) {
    for (size_t j = 0; j < 3; ++j) {
      EXPECT_EQ(some[static_cast<size_t>(out_rows[i]) * 3 + j],
                all[static_cast<size_t>(x_rows[i]) * 3 + j]);
    }
  }
}

TEST_P(Kernels, silu_follows_libm_over_the_whole_range) {
  // silu(x) * 1 exercises the table's exp: x / (1 + exp(-x)).
  int64_t worst = 0;
  for (const float start : {-110.0f, -20.0f, -1.0f, 0.0f, 1.0f, 60.0f}) {
    std::vector<float> gate;
    for (int i = 0; i < 4001; ++i) gate.push_back(start + static_cast<float>(i) * 0.0123f);
    const std::vector<float> up(gate.size(), 1.0f);
    std::vector<float> out(gate.size());
    table().silu_mul_f32(out.data(), gate.data(), up.data(), static_cast<int64_t>(gate.size()));
    for (size_t i = 0; i < gate.size(); ++i) {
      const double x = gate[i];
      const float expected = static_cast<float>(x / (1.0 + std::exp(-x)));
      if (std::abs(expected) < 1e-36f) {
        EXPECT_NEAR(out[i], expected, 1e-36f) << x;  // exp(-x) is beyond f32
      } else {
        worst = std::max(worst, ulp_distance(out[i], expected));
      }
    }
  }
  EXPECT_LE(worst, 4);
}

TEST_P(Kernels, softmax_sums_to_one_and_follows_libm) {
  for (const int64_t count : {1, 2, 3, 4, 5, 8, 63, 128}) {
    std::vector<float> x = random_floats(count, 30.0f);
    std::vector<double> expected;
    double total = 0;
    for (const float value : x) total += std::exp(static_cast<double>(value));
    for (const float value : x) expected.push_back(std::exp(static_cast<double>(value)) / total);
    table().softmax_f32(x.data(), count);
    // x - max(x) is rounded: up to 2e-6 at a difference of 60.
    for (size_t i = 0; i < x.size(); ++i)
      EXPECT_NEAR(x[i], expected[i], 3e-6 * expected[i] + 1e-37) << i << " of " << count;
  }
}

TEST_P(Kernels, softmax_of_infinities_and_nan_ends) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  std::vector<float> x = {-kInfinity, 0.0f, -kInfinity, 1.0f, -1000.0f};
  table().softmax_f32(x.data(), 5);
  EXPECT_EQ(x[0], 0.0f);
  EXPECT_EQ(x[4], 0.0f);
  EXPECT_NEAR(x[3], 0.7310586f, 1e-6f);
  std::vector<float> y = {0.0f, std::numeric_limits<float>::quiet_NaN(), 1.0f};
  table().softmax_f32(y.data(), 3);
  EXPECT_TRUE(std::isnan(y[0]) && std::isnan(y[1]) && std::isnan(y[2]));
}

TEST_P(Kernels, rms_norm_equals_double_arithmetic) {
  for (const int64_t count : {1, 2, 7, 8, 13, 64, 97, 896}) {
    const std::vector<float> x = random_floats(count, 5.0f);
    const std::vector<float> w = random_floats(count);
    std::vector<float> out(x.size());
    table().rms_norm_f32(out.data(), x.data(), w.data(), count, 1e-5f);
    double squares = 0;
    for (const float value : x) squares += static_cast<double>(value) * static_cast<double>(value);
    const double factor = 1 / std::sqrt(squares / static_cast<double>(count) + 1e-5);
    for (size_t i = 0; i < x.size(); ++i) {
      const double expected = static_cast<double>(x[i]) * factor * static_cast<double>(w[i]);
      EXPECT_NEAR(out[i], expected, std::abs(expected) * 1e-6);
    }
  }
}

TEST_P(Kernels, rope_turns_halves_and_pairs) {
  for (const int64_t pairs : {1, 3, 16, 32}) {
    const std::vector<float> angles = random_floats(pairs, 3.0f);
    std::vector<float> cosines;
    std::vector<float> sines;
    for (const float angle : angles) {
      cosines.push_back(std::cos(angle));
      sines.push_back(std::sin(angle));
    }
    const std::vector<float> x = random_floats(2 * pairs);
    std::vector<float> halves = x;
    std::vector<float> neighbours = x;
    table().rope_halves_f32(halves.data(), cosines.data(), sines.data(), pairs);
    table().rope_pairs_f32(neighbours.data(), cosines.data(), sines.data(), pairs);
    for (size_t i = 0; i < static_cast<size_t>(pairs); ++i) {
      const size_t p = static_cast<size_t>(pairs);
      EXPECT_NEAR(halves[i], x[i] * cosines[i] - x[i + p] * sines[i], 1e-6);
      EXPECT_NEAR(halves[i + p], x[i + p] * cosines[i] + x[i] * sines[i], 1e-6);
      EXPECT_NEAR(neighbours[2 * i], x[2 * i] * cosines[i] - x[2 * i + 1] * sines[i], 1e-6);
      EXPECT_NEAR(neighbours[2 * i + 1], x[2 * i + 1] * cosines[i] + x[2 * i] * sines[i], 1e-6);
    }
  }
}

TEST_P(Kernels, hadamard_sums_with_signs_by_parts_of_a_power_of_two) {
  for (const int64_t count : {1, 2, 4, 8, 16, 24, 32, 64, 96, 128, 256, 1024}) {
    const std::vector<float> x = random_floats(count);
    std::vector<float> turned = x;
    table().hadamard_f32(turned.data(), count);
    const int64_t size = int64_t{1} << std::countr_zero(static_cast<uint64_t>(count));
    for (int64_t i = 0; i < count; ++i) {
      const int64_t part = i / size * size;
      double sum = 0;
      for (int64_t j = 0; j < size; ++j) {
        const double value = x[static_cast<size_t>(part + j)];
        sum += std::popcount(static_cast<uint64_t>((i - part) & j)) % 2 == 0 ? value : -value;
      }
      EXPECT_NEAR(turned[static_cast<size_t>(i)], sum / std::sqrt(static_cast<double>(size)), 1e-5)
          << count << " " << i;
    }
    std::vector<float> reference = x;
    find_kernels("scalar")->hadamard_f32(reference.data(), count);
    EXPECT_EQ(turned, reference) << count;
    table().hadamard_f32(turned.data(), count);
    for (size_t i = 0; i < x.size(); ++i) EXPECT_NEAR(turned[i], x[i], 2e-6);
  }
}

TEST_P(Kernels, halves_round_to_even_and_return_exactly) {
  for (uint32_t raw = 0; raw < 0x10000; ++raw) {
    const uint16_t half = static_cast<uint16_t>(raw);
    float value = 0;
    table().convert_f32_f16(&value, &half, 1);
    const uint32_t exponent = (raw >> 10) & 31;
    const uint32_t mantissa = raw & 1023;
    const double magnitude = exponent == 0
                                 ? std::ldexp(mantissa, -24)
                                 : std::ldexp(1024.0 + mantissa, static_cast<int>(exponent) - 25);
    if (exponent == 31 && mantissa != 0) {
      EXPECT_TRUE(std::isnan(value));
    } else {
      const float expected =
          exponent == 31 ? std::numeric_limits<float>::infinity() : static_cast<float>(magnitude);
      EXPECT_EQ(value, (raw & 0x8000) != 0 ? -expected : expected) << raw;
    }
    uint16_t back = 0;
    table().convert_f16_f32(&back, &value, 1);
    if (!std::isnan(value)) {
      EXPECT_EQ(back, half);
    } else {
      EXPECT_GT(back & 0x7fff, 0x7c00);
    }
    // Exactly between two neighbours: the even one. Just off it: the nearer.
    if (exponent == 31 || (raw & 0x7fff) == 0x7bff) continue;
    const uint16_t next = static_cast<uint16_t>(half + 1);
    float next_value = 0;
    table().convert_f32_f16(&next_value, &next, 1);
    const float middle = (value + next_value) / 2;
    table().convert_f16_f32(&back, &middle, 1);
    EXPECT_EQ(back, (half & 1) != 0 ? next : half) << raw;
    const float nearer = std::nextafter(middle, next_value);
    table().convert_f16_f32(&back, &nearer, 1);
    EXPECT_EQ(back, next) << raw;
  }
  for (const float big : {65520.0f, 1e6f, std::numeric_limits<float>::infinity()}) {
    uint16_t half = 0;
    table().convert_f16_f32(&half, &big, 1);
    EXPECT_EQ(half, 0x7c00);
  }
}

TEST_P(Kernels, bfloats_round_to_even) {
  for (uint32_t raw = 0; raw < 0x10000; raw += 7) {
    const uint16_t bfloat = static_cast<uint16_t>(raw);
    float value = 0;
    table().convert_f32_bf16(&value, &bfloat, 1);
    EXPECT_EQ(bits(value), raw << 16);
    uint16_t back = 0;
    if (std::isnan(value)) {
      table().convert_bf16_f32(&back, &value, 1);
      EXPECT_GT(back & 0x7fff, 0x7f80);
      continue;
    }
    const struct {
      uint32_t low;
      uint32_t expected;
    } cases[] = {{0, raw}, {0x7fff, raw}, {0x8000, raw + (raw & 1)}, {0x8001, raw + 1}};
    for (const auto& c : cases) {
      if ((raw & 0x7f80) == 0x7f80 && c.low != 0) continue;
      const float x = std::bit_cast<float>((raw << 16) | c.low);
      table().convert_bf16_f32(&back, &x, 1);
      EXPECT_EQ(back, c.expected) << raw;
    }
  }
}

// Keys and values as the cache holds them: groups of 16 positions, keys channel by channel.
template <typename Number>
struct KeyGroups {
  std::vector<Number> keys, values;
  int64_t size;
  KeyGroups(const std::vector<Number>& rows_of_keys, const std::vector<Number>& rows_of_values,
            int64_t key_count, int64_t head_size)
      : size(head_size) {
    const int64_t padded = (key_count + kKeyTile - 1) / kKeyTile * kKeyTile;
    keys.resize(static_cast<size_t>(padded * size));
    values.resize(keys.size());
    for (int64_t j = 0; j < key_count; ++j) {
      for (int64_t d = 0; d < size; ++d) {
        const size_t from = static_cast<size_t>(j * size + d);
        keys[static_cast<size_t>((j / kKeyGroup * size + d) * kKeyGroup + j % kKeyGroup)] =
            rows_of_keys[from];
        values[from] = rows_of_values[from];
      }
    }
  }
  void point(AttentionTileArgs& args, int64_t tile) const {
    for (int64_t g = 0; g < kKeyTile / kKeyGroup; ++g) {
      args.keys[g] = keys.data() + (tile + g * kKeyGroup) * size;
      args.values[g] = values.data() + (tile + g * kKeyGroup) * size;
    }
  }
};

// Rows of queries at the last positions of key_count keys, as in a prompt's last chunk.
template <typename Groups>
std::vector<float> attend(void (*attention_tile)(const AttentionTileArgs&), const Groups& cache,
                          const std::vector<float>& q, int64_t rows, int64_t group,
                          int64_t key_count) {
  const int64_t width = group * cache.size;
  std::vector<float> out(static_cast<size_t>(rows * width), 0.0f);
  std::vector<float> largest(static_cast<size_t>(rows * group),
                             -std::numeric_limits<float>::infinity());
  std::vector<float> weight(largest.size(), 0.0f);
  std::vector<int32_t> visible(static_cast<size_t>(rows));
  for (int64_t tile = 0; tile < key_count; tile += kKeyTile) {
    for (int64_t i = 0; i < rows; ++i) {
      const int64_t seen = key_count - rows + i + 1 - tile;
      visible[static_cast<size_t>(i)] =
          static_cast<int32_t>(std::clamp<int64_t>(seen, 0, kKeyTile));
    }
    AttentionTileArgs args = {.out = out.data(),
                              .q = q.data(),
                              .out_row_stride = width,
                              .q_row_stride = width,
                              .largest = largest.data(),
                              .weight = weight.data(),
                              .rows = rows,
                              .group = group,
                              .head_size = cache.size,
                              .keys = {},
                              .values = {},
                              .next_keys = {},
                              .next_values = {},
                              .visible = visible.data(),
                              .scale = 0.3f};
    cache.point(args, tile);
    attention_tile(args);
  }
  for (size_t i = 0; i < out.size(); ++i) out[i] /= weight[i / static_cast<size_t>(cache.size)];
  return out;
}

TEST_P(Kernels, attention_tiles_merge_to_the_softmax_over_all_keys) {
  constexpr int64_t kGroup = 3;
  constexpr int64_t kRows = 3;
  for (const int64_t size : {1, 4, 6, 30, 32, 64, 80, 128, 300}) {
    for (const int64_t key_count : {3, 31, 32, 33, 64, 100}) {
      const std::vector<float> q = random_floats(kRows * kGroup * size, 2.0f);
      const std::vector<float> keys = random_floats(key_count * size, 2.0f);
      const std::vector<float> values = random_floats(key_count * size);
      const KeyGroups<float> cache(keys, values, key_count, size);
      const std::vector<float> got =
          attend(table().attention_tile_f32, cache, q, kRows, kGroup, key_count);
      for (int64_t query = 0; query < kRows * kGroup; ++query) {
        const int64_t seen = key_count - kRows + query / kGroup + 1;
        std::vector<double> sums(static_cast<size_t>(size), 0.0);
        double total = 0;
        for (int64_t j = 0; j < seen; ++j) {
          double score = 0;
          for (int64_t d = 0; d < size; ++d) {
            score += static_cast<double>(q[static_cast<size_t>(query * size + d)]) *
                     static_cast<double>(keys[static_cast<size_t>(j * size + d)]);
          }
          const double e = std::exp(score * 0.3);
          total += e;
          for (int64_t d = 0; d < size; ++d) {
            sums[static_cast<size_t>(d)] +=
                e * static_cast<double>(values[static_cast<size_t>(j * size + d)]);
          }
        }
        for (int64_t d = 0; d < size; ++d) {
          // Scores of up to 300 channels reach a hundred, of which f32 keeps 1e-5.
          EXPECT_NEAR(got[static_cast<size_t>(query * size + d)],
                      sums[static_cast<size_t>(d)] / total, size > 128 ? 3e-5 : 6e-6)
              << size << " " << key_count;
        }
      }
    }
  }
}

TEST_P(Kernels, attention_reads_16_bit_caches_as_the_numbers_they_hold) {
  for (const int64_t size : {6, 64, 128, 300}) {
    constexpr int64_t kKeys = 70;
    for (const bool is_bf16 : {false, true}) {
      const auto to_16_bits = is_bf16 ? table().convert_bf16_f32 : table().convert_f16_f32;
      const auto to_32_bits = is_bf16 ? table().convert_f32_bf16 : table().convert_f32_f16;
      const auto rounded = [&](const std::vector<float>& x) {
        std::vector<uint16_t> numbers(x.size());
        to_16_bits(numbers.data(), x.data(), static_cast<int64_t>(x.size()));
        return numbers;
      };
      const auto widened = [&](const std::vector<uint16_t>& x) {
        std::vector<float> numbers(x.size());
        to_32_bits(numbers.data(), x.data(), static_cast<int64_t>(x.size()));
        return numbers;
      };
      const std::vector<uint16_t> keys = rounded(random_floats(kKeys * size));
      const std::vector<uint16_t> values = rounded(random_floats(kKeys * size));
      const KeyGroups<uint16_t> narrow(keys, values, kKeys, size);
      const KeyGroups<float> wide(widened(keys), widened(values), kKeys, size);
      for (const int64_t rows : {1, 2, 5}) {
        for (const int64_t group : {1, 4, 7}) {
          const std::vector<float> q = random_floats(rows * group * size);
          const std::vector<float> got =
              attend(is_bf16 ? table().attention_tile_bf16 : table().attention_tile_f16, narrow, q,
                     rows, group, kKeys);
          EXPECT_EQ(got, attend(table().attention_tile_f32, wide, q, rows, group, kKeys))
              << size << " " << rows << "x" << group;
        }
      }
    }
  }
}

// A quantized type of cache: its functions, and what its codes stand for.
struct QuantizedType {
  int64_t bits;
  void (*convert)(int8_t* codes, uint16_t* scales, const float* x, int64_t count);
  void (*attention_tile)(const AttentionTileArgs& args);
  float error;  // of numbers from -1 to 1

  float number(int8_t code) const {
    return static_cast<float>(bits == 8 ? code : kIq4Values[static_cast<size_t>(code)]);
  }
};

std::vector<QuantizedType> quantized_types(const KernelTable& table) {
  return {{8, table.convert_q8_0_f32, table.attention_tile_q8_0, 0.51f / 127},
          {4, table.convert_q4_0_f32, table.attention_tile_q4_0, 0.16f}};
}

// The same in a quantized type: codes of a group, then its scales (q8_cache.h, q4_cache.h).
struct QuantizedKeyGroups {
  std::vector<uint8_t> keys, values;
  int64_t size, bits;
  QuantizedKeyGroups(const QuantizedType& type, const std::vector<float>& rows_of_keys,
                     const std::vector<float>& rows_of_values, int64_t key_count, int64_t head_size)
      : size(head_size), bits(type.bits) {
    const int64_t padded = (key_count + kKeyTile - 1) / kKeyTile * kKeyTile;
    keys.resize(static_cast<size_t>(padded / kKeyGroup * group_bytes()));
    values.resize(keys.size());
    const int64_t blocks = size / 32;
    std::vector<int8_t> codes(static_cast<size_t>(size));
    std::vector<uint16_t> scales(static_cast<size_t>(blocks));
    for (int64_t j = 0; j < key_count; ++j) {
      const int64_t lane = j % kKeyGroup;
      const int64_t group = j / kKeyGroup * group_bytes();
      const auto put = [&](std::vector<uint8_t>& all, int64_t at, int code, bool is_high) {
        all[static_cast<size_t>(group + at)] |= static_cast<uint8_t>(is_high ? code << 4 : code);
      };
      const auto put_scale = [&](std::vector<uint8_t>& all, int64_t index, int64_t block) {
        std::memcpy(all.data() + group + kKeyGroup * size * bits / 8 + 2 * index,
                    &scales[static_cast<size_t>(block)], 2);
      };
      type.convert(codes.data(), scales.data(), rows_of_keys.data() + j * size, size);
      for (int64_t d = 0; d < size; ++d) {
        const int64_t row = bits == 8 ? d : d / 2;
        put(keys, row * kKeyGroup + lane, codes[static_cast<size_t>(d)], bits == 4 && d % 2 == 1);
      }
      for (int64_t b = 0; b < blocks; ++b) put_scale(keys, b * kKeyGroup + lane, b);
      type.convert(codes.data(), scales.data(), rows_of_values.data() + j * size, size);
      for (int64_t d = 0; d < size; ++d) {
        const int64_t column = bits == 8 ? d : d / 32 * 16 + d % 16;
        put(values, lane * size * bits / 8 + column, codes[static_cast<size_t>(d)],
            bits == 4 && d % 32 >= 16);
      }
      for (int64_t b = 0; b < blocks; ++b) put_scale(values, lane * blocks + b, b);
    }
  }
  int64_t group_bytes() const { return kKeyGroup * (size * bits / 8 + size / 32 * 2); }
  void point(AttentionTileArgs& args, int64_t tile) const {
    for (int64_t g = 0; g < kKeyTile / kKeyGroup; ++g) {
      const int64_t at = (tile / kKeyGroup + g) * group_bytes();
      args.keys[g] = keys.data() + at;
      args.values[g] = values.data() + at;
    }
  }
};

TEST_P(Kernels, attention_reads_a_quantized_cache_as_the_numbers_it_holds) {
  constexpr int64_t kKeys = 70;
  for (const QuantizedType& type : quantized_types(table())) {
    for (const int64_t size : {32, 64, 96, 128, 288}) {
      const auto rounded = [&](const std::vector<float>& x) {
        std::vector<int8_t> codes(x.size());
        std::vector<uint16_t> scales(x.size() / 32);
        type.convert(codes.data(), scales.data(), x.data(), static_cast<int64_t>(x.size()));
        std::vector<float> numbers(x.size());
        for (size_t i = 0; i < x.size(); ++i) {
          float scale;
          table().convert_f32_f16(&scale, &scales[i / 32], 1);
          numbers[i] = type.number(codes[i]) * scale;
          EXPECT_NEAR(numbers[i], x[i], type.error) << "values are below 1";
        }
        return numbers;
      };
      const std::vector<float> keys = random_floats(kKeys * size);
      const std::vector<float> values = random_floats(kKeys * size);
      const QuantizedKeyGroups narrow(type, keys, values, kKeys, size);
      const KeyGroups<float> wide(rounded(keys), rounded(values), kKeys, size);
      for (const int64_t rows : {1, 2, 5}) {
        for (const int64_t group : {1, 4, 7}) {
          const std::vector<float> q = random_floats(rows * group * size);
          const std::vector<float> got = attend(type.attention_tile, narrow, q, rows, group, kKeys);
          EXPECT_EQ(got, attend(table().attention_tile_f32, wide, q, rows, group, kKeys))
              << type.bits << " bits, " << size << " " << rows << "x" << group;
        }
      }
    }
  }
}

TEST_P(Kernels, what_a_quantized_cache_cannot_hold_is_nan_and_not_something_else) {
  for (const QuantizedType& type : quantized_types(table())) {
    for (const float odd :
         {std::numeric_limits<float>::infinity(), std::numeric_limits<float>::quiet_NaN(), 1e9f}) {
      std::vector<float> x(64, -1.0f);
      x[5] = odd;
      std::vector<int8_t> codes(64);
      std::vector<uint16_t> scales(2);
      type.convert(codes.data(), scales.data(), x.data(), 64);
      float both[2];
      table().convert_f32_f16(both, scales.data(), 2);
      for (size_t i = 0; i < 32; ++i) EXPECT_TRUE(std::isnan(type.number(codes[i]) * both[0]));
      EXPECT_NEAR(type.number(codes[32]) * both[1], -1, 1e-3f);
    }
    // Scales that are no more than a few steps of a subnormal half, or less than one.
    for (const float small : {1e-6f, 3e-6f, 1e-9f, 1e-38f, 0.0f}) {
      const std::vector<float> x(32, -small);
      std::vector<int8_t> codes(32);
      uint16_t bits = 0;
      type.convert(codes.data(), &bits, x.data(), 32);
      float scale;
      table().convert_f32_f16(&scale, &bits, 1);
      EXPECT_NEAR(type.number(codes[0]) * scale, -small, 5e-6f);
    }
  }
}

TEST_P(Kernels, q4_0_leaves_less_error_of_normal_numbers_than_even_steps_could) {
  std::mt19937 random(1);
  std::normal_distribution<float> bell(0, 1);
  std::vector<float> x(1 << 16);
  for (float& value : x) value = bell(random);
  std::vector<int8_t> codes(x.size());
  std::vector<uint16_t> scales(x.size() / 32);
  table().convert_q4_0_f32(codes.data(), scales.data(), x.data(), static_cast<int64_t>(x.size()));
  double error = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    float scale;
    table().convert_f32_f16(&scale, &scales[i / 32], 1);
    error += std::pow(double{x[i]} - kIq4Values[static_cast<size_t>(codes[i])] * double{scale}, 2);
  }
  EXPECT_LT(error / static_cast<double>(x.size()), 0.0057);  // even steps: 0.0065
}

TEST_P(Kernels, conversion_to_q4_0_has_the_bits_of_the_plain_version) {
  const std::vector<float> x = random_floats(320, 3.0f);
  std::vector<int8_t> codes(x.size()), expected(x.size());
  std::vector<uint16_t> scales(x.size() / 32), expected_scales(scales.size());
  table().convert_q4_0_f32(codes.data(), scales.data(), x.data(), 320);
  find_kernels("scalar")->convert_q4_0_f32(expected.data(), expected_scales.data(), x.data(), 320);
  EXPECT_EQ(codes, expected);
  EXPECT_EQ(scales, expected_scales);
}

TEST_P(Kernels, attention_gives_a_query_the_same_bits_in_any_company) {
  constexpr int64_t kSize = 64;
  constexpr int64_t kGroup = 4;
  constexpr int64_t kKeys = 90;
  constexpr int64_t kRows = 9;
  const KeyGroups<float> cache(random_floats(kKeys * kSize), random_floats(kKeys * kSize), kKeys,
                               kSize);
  const std::vector<float> q = random_floats(kRows * kGroup * kSize);
  const std::vector<float> together =
      attend(table().attention_tile_f32, cache, q, kRows, kGroup, kKeys);
  for (int64_t row = 0; row < kRows; ++row) {
    const auto begin = static_cast<std::ptrdiff_t>(row * kGroup * kSize);
    const auto end = begin + kGroup * kSize;
    const std::vector<float> alone =
        attend(table().attention_tile_f32, cache, {q.begin() + begin, q.begin() + end}, 1, kGroup,
               kKeys - kRows + row + 1);
    EXPECT_EQ(std::vector<float>(together.begin() + begin, together.begin() + end), alone) << row;
  }
}

TEST_P(Kernels, dequantization_has_the_bits_of_the_reference) {
  for (const Format& format : formats()) {
    const auto dequantize = table().find_dequantize(format.gguf_id);
    if (dequantize == nullptr) continue;  // the reference itself is used
    const int64_t block_count = 64 * 256 / format.block_values;
    // Any bits at all: scales that are infinite, NaN and subnormal included. One byte off, for
    // files align blocks to nothing.
    std::vector<std::byte> bytes(static_cast<size_t>(block_count * format.block_bytes + 1));
    for (std::byte& byte : bytes) byte = std::byte(random_());
    std::vector<float> expected(64 * 256);
    std::vector<float> got(64 * 256);
    format.dequantize(bytes.data() + 1, expected.data(), block_count);
    dequantize(bytes.data() + 1, got.data(), block_count);
    for (size_t i = 0; i < got.size(); ++i) {
      if (std::isnan(expected[i])) {
        ASSERT_TRUE(std::isnan(got[i])) << format.name << " value " << i;
      } else {
        ASSERT_EQ(bits(got[i]), bits(expected[i])) << format.name << " value " << i;
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(, Kernels, testing::ValuesIn(testable_kernels()),
                         [](const auto& info) { return kernels_name(*info.param); });

TEST(Dispatch, finds_tables_by_name) {
  ASSERT_NE(find_kernels("scalar"), nullptr);
  EXPECT_EQ(std::string_view(find_kernels("scalar")->isa), "scalar");
  EXPECT_EQ(find_kernels("mmx"), nullptr);
  EXPECT_EQ(find_kernels(""), nullptr);
}

}  // namespace
}  // namespace sparrow::kernels
