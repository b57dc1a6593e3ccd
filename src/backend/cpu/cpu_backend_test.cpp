// The CPU backend against plain arithmetic, and its promise: the same bits for a row whatever else
// is in the batch, however many threads work, and however the cache is cut into blocks.
#include "backend/cpu/cpu_backend.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>
#include <random>
#include <utility>

#include "backend/backend.h"
#include "kernels/dispatch.h"
#include "sparrow/error.h"
#include "tests/support/random_blocks.h"
#include "tests/support/runnable_kernels.h"

namespace sparrow {
namespace {

using Floats = std::vector<float>;

class Values {  // activations that own their memory
 public:
  Values(Backend& backend, int64_t rows, int64_t columns, const Floats& values = {})
      : backend_(backend),
        buffer_(backend.make_buffer(rows * columns * 4, "a test")),
        view_{buffer_.get(), 0, rows, columns} {
    if (!values.empty()) std::copy(values.begin(), values.end(), backend.read(view_).begin());
  }
  operator const Activations&() const { return view_; }
  Floats read() const {
    const std::span<float> values = backend_.read(view_);
    return {values.begin(), values.end()};
  }

 private:
  Backend& backend_;
  std::unique_ptr<Buffer> buffer_;
  Activations view_;
};

std::unique_ptr<Backend> backend_with(
    int thread_count, const kernels::KernelTable& table = *kernels::find_kernels("scalar")) {
  return std::make_unique<CpuBackend>(table, thread_count, false);
}

Floats random_floats(int64_t count, uint32_t seed) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<float> uniform(-1, 1);
  Floats values(static_cast<size_t>(count));
  for (float& value : values) value = uniform(random);
  return values;
}

std::vector<std::byte> random_blocks(const Format& format, int64_t block_count, uint32_t seed) {
  std::mt19937 random(seed);
  return test_support::random_blocks(format, block_count, random);
}

TEST(CpuBackend, multiplies_with_every_format_and_row_length) {
  const std::unique_ptr<Backend> backend = backend_with(2);
  for (const Format& format : formats()) {
    for (const int64_t k : {format.block_values, 3 * format.block_values, int64_t{1024 + 256}}) {
      constexpr int64_t kM = 4;
      constexpr int64_t kN = 19;
      const std::vector<std::byte> bytes = random_blocks(format, kN * k / format.block_values, 11);
      const std::unique_ptr<Weight> weight =
          backend->load_weight({bytes.data(), &format, {{k, kN, 1, 1}, 2}});
      const Floats x = random_floats(kM * k, 3);
      Values out(*backend, kM, kN);
      backend->matmul(out, Values(*backend, kM, k, x), *weight);
      Floats w(static_cast<size_t>(kN * k));
      format.dequantize(bytes.data(), w.data(), kN * k / format.block_values);
      const Floats got = out.read();
      for (size_t i = 0; i < kM; ++i) {
        for (size_t j = 0; j < kN; ++j) {
          double dot = 0;
          double size = 0;
          for (size_t l = 0; l < static_cast<size_t>(k); ++l) {
            const double product = static_cast<double>(x[i * static_cast<size_t>(k) + l]) *
                                   static_cast<double>(w[j * static_cast<size_t>(k) + l]);
            dot += product;
            size += std::abs(product);
          }
          // 64 additions a lane, each within half an ulp of the partial sum.
          EXPECT_NEAR(got[i * kN + j], dot, 4e-6 * size + 1e-30) << format.name << " " << k;
        }
      }
    }
  }
}

TEST(CpuBackend, a_weight_at_an_odd_address_is_read_all_the_same) {
  const std::unique_ptr<Backend> backend = backend_with(1);
  const Floats w = random_floats(32 * 3, 1);
  std::vector<std::byte> bytes(w.size() * 4 + 1);
  std::memcpy(bytes.data() + 1, w.data(), w.size() * 4);
  const Format& f32 = *find_format("F32");
  const auto aligned = backend->load_weight(
      {reinterpret_cast<const std::byte*>(w.data()), &f32, {{32, 3, 1, 1}, 2}});
  const auto odd = backend->load_weight({bytes.data() + 1, &f32, {{32, 3, 1, 1}, 2}});
  const Values x(*backend, 2, 32, random_floats(64, 2));
  Values a(*backend, 2, 3);
  Values b(*backend, 2, 3);
  backend->matmul(a, x, *aligned);
  backend->matmul(b, x, *odd);
  EXPECT_EQ(a.read(), b.read());
}

TEST(CpuBackend, a_row_of_a_product_has_the_same_bits_alone_and_with_any_thread_count) {
  const Format& format = *find_format("Q4_K");
  constexpr int64_t kRows = 37;
  constexpr int64_t kN = 101;
  constexpr int64_t kK = 1280;
  const std::vector<std::byte> bytes = random_blocks(format, kN * kK / 256, 5);
  const Floats x = random_floats(kRows * kK, 6);
  Floats expected;
  for (const int threads : {1, 2, 3}) {
    const std::unique_ptr<Backend> backend = backend_with(threads);
    const auto weight = backend->load_weight({bytes.data(), &format, {{kK, kN, 1, 1}, 2}});
    Values all(*backend, kRows, kN);
    backend->matmul(all, Values(*backend, kRows, kK, x), *weight);
    if (expected.empty()) expected = all.read();
    EXPECT_EQ(all.read(), expected) << threads;
    for (int64_t i = 0; i < kRows; i += 5) {
      Values one(*backend, 1, kN);
      backend->matmul(one,
                      Values(*backend, 1, kK, Floats(x.begin() + i * kK, x.begin() + (i + 1) * kK)),
                      *weight);
      EXPECT_EQ(one.read(), Floats(expected.begin() + i * kN, expected.begin() + (i + 1) * kN));
    }
  }
}

// Two parts of one input of 90 rows, with what three adapters add: one has a pair for the first
// part alone, one has none for either.
class LowRankProduct {
 public:
  static constexpr int64_t kRows = 90;
  static constexpr int64_t kOut = 331;

  LowRankProduct(const kernels::KernelTable& table, int threads, bool are_packed, int64_t in)
      : in_(in), backend_(std::make_unique<CpuBackend>(table, threads, are_packed)) {
    for (size_t part = 0; part < 2; ++part) {
      weights_.push_back(load({{in_, kOut, 1, 1}, 2}, w_[part]));
      for (auto& adapter : adapters_) adapter.resize(2);
      adapters_[0][part] = load_pair(kRanks[0], a_[0], b_[0]);
    }
    adapters_[1][0] = load_pair(kRanks[1], a_[1], b_[1]);
  }

  // The parts' results, one behind the other.
  Floats linears(const std::vector<AdapterRows>& rows) {
    Values first(*backend_, kRows, kOut);
    Values second(*backend_, kRows, kOut);
    const LinearPart parts[] = {part(first, 0, rows), part(second, 1, rows)};
    backend_->linears(parts, Values(*backend_, kRows, in_, x_));
    Floats all = first.read();
    const Floats more = second.read();
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }

  Floats gated_linear(const std::vector<AdapterRows>& rows) {
    Values gate(*backend_, kRows, kOut);
    Values up(*backend_, kRows, kOut);
    backend_->gated_linear(part(gate, 0, rows), part(up, 1, rows),
                           Values(*backend_, kRows, in_, x_));
    return gate.read();
  }

  std::vector<AdapterRows> rows() const {
    return {{3, 2, adapters_[0], 1}, {5, 1, adapters_[2], 1}, {20, 67, adapters_[1], -0.5f}};
  }

  // What `rows()` add, in double.
  double added(size_t part, int64_t row, int64_t column) const {
    const bool is_first = row >= 3 && row < 5;
    const bool is_second = row >= 20 && row < 87 && part == 0;
    if (!is_first && !is_second) return 0;
    const size_t adapter = is_first ? 0 : 1;
    double sum = 0;
    for (int64_t r = 0; r < kRanks[adapter]; ++r) {
      double dot = 0;
      for (int64_t i = 0; i < in_; ++i) {
        dot += double{x_[static_cast<size_t>(row * in_ + i)]} *
               double{a_[adapter][static_cast<size_t>(r * in_ + i)]};
      }
      sum += dot * double{b_[adapter][static_cast<size_t>(column * kRanks[adapter] + r)]};
    }
    return (is_first ? 1 : -0.5) * kFactor * sum;
  }

 private:
  static constexpr int64_t kRanks[] = {11, 1};
  static constexpr float kFactor = 0.75f;

  static Tensor tensor(const Shape& shape, const Floats& values) {
    return {reinterpret_cast<const std::byte*>(values.data()), find_format("F32"), shape};
  }
  std::unique_ptr<Weight> load(const Shape& shape, const Floats& values) {
    return backend_->load_weight(tensor(shape, values));
  }
  std::unique_ptr<LowRank> load_pair(int64_t rank, const Floats& a, const Floats& b) {
    return backend_->load_low_rank(tensor({{in_, rank, 1, 1}, 2}, a),
                                   tensor({{rank, kOut, 1, 1}, 2}, b), kFactor);
  }
  LinearPart part(const Activations& out, size_t index,
                  const std::vector<AdapterRows>& rows) const {
    return {out, weights_[index].get(), nullptr, rows, static_cast<int64_t>(index)};
  }

  const int64_t in_;
  const Floats x_ = random_floats(kRows * in_, 1);
  const Floats w_[2] = {random_floats(kOut * in_, 2), random_floats(kOut* in_, 3)};
  const Floats a_[2] = {random_floats(kRanks[0] * in_, 4), random_floats(kRanks[1] * in_, 5)};
  const Floats b_[2] = {random_floats(kRanks[0] * kOut, 6), random_floats(kRanks[1] * kOut, 7)};
  std::unique_ptr<Backend> backend_;
  std::vector<std::unique_ptr<Weight>> weights_;
  std::vector<std::unique_ptr<LowRank>> adapters_[3];
};

TEST(CpuBackend, adapters_add_their_low_rank_products_to_their_rows_alone) {
  constexpr int64_t kRows = LowRankProduct::kRows;
  constexpr int64_t kOut = LowRankProduct::kOut;
  for (const kernels::KernelTable* table : runnable_kernels()) {
    // Rows of 650 have no packed form.
    constexpr std::pair<bool, int64_t> kCases[] = {{false, 650}, {false, 640}, {true, 640}};
    for (const auto& [are_packed, in] : kCases) {
      LowRankProduct product(*table, 2, are_packed, in);
      const Floats without = product.linears({});
      const Floats gated_without = product.gated_linear({});
      const Floats got = product.linears(product.rows());
      const Floats gated = product.gated_linear(product.rows());
      for (int64_t row = 0; row < kRows; ++row) {
        const bool has_any = (row >= 3 && row < 5) || (row >= 20 && row < 87);
        for (int64_t column = 0; column < kOut; ++column) {
          const size_t place = static_cast<size_t>(row * kOut + column);
          double sums[2];
          for (size_t part = 0; part < 2; ++part) {
            const size_t at = part * kRows * kOut + place;
            sums[part] = double{without[at]} + product.added(part, row, column);
            // Sums of 640 and 11 products of up to 1, a few hundred at most.
            if (has_any)
              EXPECT_NEAR(got[at], sums[part], 2e-4) << table->isa;
            else
              EXPECT_EQ(got[at], without[at]) << table->isa;
          }
          // An error in one part is multiplied by the other.
          const double expected = sums[0] / (1 + std::exp(-sums[0])) * sums[1];
          if (has_any)
            EXPECT_NEAR(gated[place], expected, 1e-5 * std::abs(expected) + 2e-2) << table->isa;
          else
            EXPECT_EQ(gated[place], gated_without[place]) << table->isa;
        }
      }
      for (const int threads : {1, 3}) {
        LowRankProduct other(*table, threads, are_packed, in);
        EXPECT_EQ(other.linears(other.rows()), got) << table->isa;
        EXPECT_EQ(other.gated_linear(other.rows()), gated) << table->isa;
      }
    }
  }
}

// Attention of `rows` rows in chunks over a cache of the given block size; one KV cache entry a
// position.
struct AttentionCase {
  KvType type = KvType::f32;
  int64_t block_tokens = 16;
  int64_t chunk = 1;
  int threads = 1;
  int64_t head_size = 24;
  int64_t positions = 83;
  float large = 1;    // factor of the keys' channel 5
  int64_t first = 0;  // the first position whose result is wanted; those before come at once
  const kernels::KernelTable* table = kernels::find_kernels("scalar");
};

constexpr int64_t kHeads = 6;
constexpr int64_t kKvHeads = 2;

Floats attend(const AttentionCase& c) {
  const int64_t positions = c.positions;
  const std::unique_ptr<Backend> backend = backend_with(c.threads, *c.table);
  const int64_t q_size = kHeads * c.head_size;
  const int64_t kv_size = kKvHeads * c.head_size;
  const Floats q = random_floats(positions * q_size, 1);
  Floats k = random_floats(positions * kv_size, 2);
  const Floats v = random_floats(positions * kv_size, 3);
  for (size_t i = 5; i < k.size(); i += static_cast<size_t>(c.head_size)) k[i] *= c.large;
  const int64_t block_count = (positions + c.block_tokens - 1) / c.block_tokens;
  const auto kv =
      backend->make_kv_memory({2, kKvHeads, c.head_size}, c.type, block_count + 1, c.block_tokens);
  std::vector<BlockId> blocks;  // any order; block 0 stays out
  for (int64_t i = block_count; i >= 1; --i) blocks.push_back(static_cast<BlockId>(i));
  Floats result;
  for (int64_t first = 0, rows = 0; first < positions; first += rows) {
    rows = first < c.first ? c.first : std::min(c.chunk, positions - first);
    const auto part = [&](const Floats& all, int64_t columns) {
      return Floats(all.begin() + first * columns, all.begin() + (first + rows) * columns);
    };
    const std::vector<BatchSequence> sequences = {{0, rows, first, blocks}};
    backend->store_kv(*kv, 1, Values(*backend, rows, kv_size, part(k, kv_size)),
                      Values(*backend, rows, kv_size, part(v, kv_size)), sequences);
    Values out(*backend, rows, q_size);
    backend->attention(out, Values(*backend, rows, q_size, part(q, q_size)), *kv, 1, sequences);
    if (first < c.first) continue;
    const Floats values = out.read();
    result.insert(result.end(), values.begin(), values.end());
  }
  return result;
}

TEST(CpuBackend, attention_equals_double_arithmetic) {
  const Floats got = attend({});
  constexpr size_t kSize = 24;
  constexpr size_t positions = 83;
  const Floats q = random_floats(positions * kHeads * kSize, 1);
  const Floats k = random_floats(positions * kKvHeads * kSize, 2);
  const Floats v = random_floats(positions * kKvHeads * kSize, 3);
  for (size_t row = 0; row < positions; ++row) {
    for (size_t head = 0; head < kHeads; ++head) {
      const size_t kv_head = head / (kHeads / kKvHeads);
      std::vector<double> sums(kSize, 0.0);
      double total = 0;
      for (size_t j = 0; j <= row; ++j) {
        double score = 0;
        for (size_t d = 0; d < kSize; ++d) {
          score += static_cast<double>(q[(row * kHeads + head) * kSize + d]) *
                   static_cast<double>(k[(j * kKvHeads + kv_head) * kSize + d]);
        }
        const double e = std::exp(score / std::sqrt(24.0));
        total += e;
        for (size_t d = 0; d < kSize; ++d)
          sums[d] += e * static_cast<double>(v[(j * kKvHeads + kv_head) * kSize + d]);
      }
      for (size_t d = 0; d < kSize; ++d)
        EXPECT_NEAR(got[(row * kHeads + head) * kSize + d], sums[d] / total, 1e-6);
    }
  }
}

TEST(CpuBackend, attention_has_the_same_bits_for_any_chunk_block_size_and_thread_count) {
  for (const kernels::KernelTable* table : runnable_kernels()) {
    for (const KvType type : kKvTypes) {
      const int64_t head_size = is_quantized(type) ? 96 : 24;
      const Floats expected = attend({.type = type, .head_size = head_size, .table = table});
      for (const int64_t chunk : {2, 7, 31, 32, 33, 83}) {
        for (const int64_t block_tokens : {16, 48, 64, 128}) {
          EXPECT_EQ(attend({.type = type,
                            .block_tokens = block_tokens,
                            .chunk = chunk,
                            .threads = 1 + static_cast<int>(chunk % 3),
                            .head_size = head_size,
                            .table = table}),
                    expected)
              << table->isa << " " << to_string(type) << " " << chunk << " " << block_tokens;
        }
      }
    }
  }
}

TEST(CpuBackend, threads_that_share_out_a_long_sequences_keys_change_no_bit) {
  for (const kernels::KernelTable* table : runnable_kernels()) {
    for (const int64_t positions : {512, 513, 1100}) {
      const AttentionCase alone = {.type = positions == 513    ? KvType::q8_0
                                           : positions == 1100 ? KvType::q4_0
                                                               : KvType::f16,
                                   .head_size = 32,
                                   .positions = positions,
                                   .first = positions - 40,
                                   .table = table};
      const Floats expected = attend(alone);  // 2 pieces for 1 thread: not split
      AttentionCase split = alone;
      split.threads = 4;
      EXPECT_EQ(attend(split), expected) << table->isa << " " << positions;
      split.chunk = 40;
      EXPECT_EQ(attend(split), expected) << table->isa << " " << positions;
    }
  }
}

TEST(CpuBackend, a_quantized_cache_keeps_small_channels_beside_large_ones) {
  for (const kernels::KernelTable* table : runnable_kernels()) {
    for (const float large : {1.0f, 40.0f}) {
      AttentionCase c = {.head_size = 128, .large = large, .table = table};
      const Floats exact = attend(c);
      for (const KvType type : {KvType::q8_0, KvType::q4_0}) {
        c.type = type;
        const Floats got = attend(c);
        double worst = 0;
        for (size_t i = 0; i < exact.size(); ++i)
          worst = std::max(worst, std::abs(double{got[i]} - double{exact[i]}));
        EXPECT_LT(worst, type == KvType::q8_0 ? 0.016 : 0.25)
            << table->isa << " " << to_string(type) << " " << large;
      }
    }
  }
}

TEST(CpuBackend, a_cache_holds_blocks_of_whole_key_groups) {
  const std::unique_ptr<Backend> backend = backend_with(1);
  EXPECT_THROW(backend->make_kv_memory({1, 1, 8}, KvType::f16, 4, 24), Error);
  EXPECT_THROW(backend->make_kv_memory({1, 1, 8}, KvType::f16, 4, 0), Error);
  EXPECT_NO_THROW(backend->make_kv_memory({1, 1, 8}, KvType::f16, 4, 48));
}

TEST(CpuBackend, sequences_of_one_batch_do_not_see_each_other) {
  const std::unique_ptr<Backend> backend = backend_with(2);
  constexpr int64_t kSize = 8;
  const auto run = [&](const std::vector<int64_t>& lengths, const Floats& x) {
    const auto kv = backend->make_kv_memory({1, 1, kSize}, KvType::f16, 6, 16);
    std::vector<std::vector<BlockId>> blocks = {{0, 2, 4}, {1, 3, 5}};
    std::vector<BatchSequence> sequences;
    int64_t rows = 0;
    for (size_t i = 0; i < lengths.size(); ++i) {
      sequences.push_back({rows, lengths[i], 0, blocks[i]});
      rows += lengths[i];
    }
    const Values values(*backend, rows, kSize, x);
    backend->store_kv(*kv, 0, values, values, sequences);
    Values out(*backend, rows, kSize);
    backend->attention(out, values, *kv, 0, sequences);
    return out.read();
  };
  const Floats x = random_floats(57 * kSize, 9);
  const Floats both = run({35, 22}, x);
  const Floats first = run({35}, Floats(x.begin(), x.begin() + 35 * kSize));
  const Floats second = run({22}, Floats(x.begin() + 35 * kSize, x.end()));
  EXPECT_EQ(Floats(both.begin(), both.begin() + 35 * kSize), first);
  EXPECT_EQ(Floats(both.begin() + 35 * kSize, both.end()), second);
}

TEST(CpuBackend, experts_are_chosen_weighted_and_summed) {
  const std::unique_ptr<Backend> backend = backend_with(2);
  constexpr int64_t kRows = 9;
  constexpr size_t kExperts = 5;
  constexpr size_t kUsed = 2;
  constexpr size_t kIn = 12;
  constexpr size_t kOut = 10;
  const Floats logits = random_floats(kRows * kExperts, 1);
  const Floats x = random_floats(kRows * kIn, 2);
  const Floats w = random_floats(kExperts * kOut * kIn, 3);
  const auto weight = backend->load_weight({reinterpret_cast<const std::byte*>(w.data()),
                                            find_format("F32"),
                                            {{kIn, kOut, kExperts, 1}, 3}});
  const auto routing = backend->make_routing(16, kExperts, kUsed);
  backend->route_experts(*routing, Values(*backend, kRows, kExperts, logits));
  Values pairs(*backend, kRows * kUsed, kOut);
  backend->expert_matmul(pairs, Values(*backend, kRows, kIn, x), *weight, *routing);
  Values out(*backend, kRows, kOut);
  backend->combine_experts(out, pairs, *routing);
  const Floats got = out.read();
  for (size_t row = 0; row < kRows; ++row) {
    std::vector<size_t> order(kExperts);
    std::iota(order.begin(), order.end(), size_t{0});
    const float* scores = logits.data() + row * kExperts;
    std::sort(order.begin(), order.end(),
              [&](size_t a, size_t b) { return scores[a] > scores[b]; });
    double total = 0;
    for (size_t i = 0; i < kUsed; ++i) total += std::exp(static_cast<double>(scores[order[i]]));
    for (size_t j = 0; j < kOut; ++j) {
      double expected = 0;
      for (size_t i = 0; i < kUsed; ++i) {
        double dot = 0;
        for (size_t l = 0; l < kIn; ++l) {
          dot += static_cast<double>(x[row * kIn + l]) *
                 static_cast<double>(w[(order[i] * kOut + j) * kIn + l]);
        }
        expected += std::exp(static_cast<double>(scores[order[i]])) / total * dot;
      }
      EXPECT_NEAR(got[row * kOut + j], expected, 2e-6);
    }
  }
}

TEST(CpuBackend, weights_that_are_not_numbers_route_somewhere_and_end) {
  const std::unique_ptr<Backend> backend = backend_with(1);
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
  const auto routing = backend->make_routing(2, 4, 2);
  backend->route_experts(*routing, Values(*backend, 2, 4, {kNan, kNan, 1, 2, 1, 2, 3, 4}));
  const Floats w(4 * 2 * 2, 1.0f);
  const auto weight = backend->load_weight(
      {reinterpret_cast<const std::byte*>(w.data()), find_format("F32"), {{2, 2, 4, 1}, 3}});
  Values out(*backend, 4, 2);
  backend->expert_matmul(out, Values(*backend, 2, 2, {1, 2, 3, 4}), *weight, *routing);
  EXPECT_EQ(out.read()[4], 7.0f);
}

TEST(CpuBackend, a_cache_larger_than_memory_is_refused_with_the_numbers) {
  const std::unique_ptr<Backend> backend = backend_with(1);
  try {
    backend->make_kv_memory({64, 64, 128}, KvType::f32, int64_t{1} << 22, 64);
    FAIL() << "nothing was thrown";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::out_of_memory);
    EXPECT_THAT(error.what(), testing::HasSubstr("needs 1048576.00 GiB"));
    EXPECT_THAT(error.what(), testing::HasSubstr("is available"));
  }
  EXPECT_THROW(backend->make_kv_memory({64, 64, 128}, KvType::f32, INT64_MAX / 4, 64), Error);
  EXPECT_THROW(backend->make_kv_memory({1, 1, 8}, KvType::f32, 0, 64), Error);
}

TEST(MakeCpuBackend, names_what_the_machine_has_when_the_instruction_set_is_unknown) {
  EXPECT_NE(make_cpu_backend({.thread_count = 1, .isa = "scalar"}), nullptr);
  try {
    make_cpu_backend({.thread_count = 1, .isa = "mmx"});
    FAIL() << "nothing was thrown";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::invalid_argument);
    EXPECT_THAT(error.what(), testing::HasSubstr("'mmx' is unknown; this machine can run: scalar"));
  }
  EXPECT_THROW(make_cpu_backend({.thread_count = -1}), Error);
  EXPECT_THROW(make_cpu_backend({.thread_count = 1025}), Error);
}

TEST(KvType, quantized_ones_refuse_heads_that_their_blocks_do_not_fill) {
  const std::unique_ptr<Backend> backend = make_cpu_backend({.thread_count = 1});
  EXPECT_EQ(backend->make_kv_memory({1, 1, 64}, KvType::q8_0, 2, 16)->size_bytes(),
            2 * 16 * 2 * (64 + 2 * 2));
  EXPECT_EQ(backend->make_kv_memory({1, 1, 64}, KvType::q4_0, 2, 16)->size_bytes(),
            2 * 16 * 2 * (32 + 2 * 2));
  for (const KvType type : {KvType::q8_0, KvType::q4_0}) {
    try {
      backend->make_kv_memory({1, 1, 48}, type, 2, 16);
      FAIL() << "nothing was thrown";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::invalid_argument);
      EXPECT_EQ(std::string(error.what()).find("a " + std::string(to_string(type))), 0u);
      EXPECT_THAT(error.what(),
                  testing::HasSubstr("multiple of 32 channels, this model's have 48"));
    }
  }
}

TEST(KvType, has_the_names_users_write) {
  EXPECT_EQ(parse_kv_type("f16"), KvType::f16);
  EXPECT_EQ(parse_kv_type("bf16"), KvType::bf16);
  EXPECT_EQ(parse_kv_type("f32"), KvType::f32);
  EXPECT_EQ(parse_kv_type("q8_0"), KvType::q8_0);
  EXPECT_EQ(parse_kv_type("q4_0"), KvType::q4_0);
  EXPECT_THROW(parse_kv_type("q4_1"), Error);
}

}  // namespace
}  // namespace sparrow
