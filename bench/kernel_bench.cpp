// One thread, on every instruction set of this machine, beside what the machine could do at best:
// products with packed weights, from memory with one row of input, and with many, where the
// arithmetic is the limit; attention over a long cache, likewise.
//     build/kernel_bench [--benchmark_filter='avx512/(probe|Q4_K)']
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <cstring>
#include <functional>
#include <numeric>
#include <random>
#include <vector>

#include "backend/cpu/cpu_backend.h"
#include "backend/cpu/quantized_input.h"
#include "backend/cpu/weight_arena.h"
#include "base/thread_team.h"
#include "kernels/dispatch.h"
#include "tensor/formats/format.h"
#include "tests/support/runnable_kernels.h"

namespace sparrow {
namespace {

constexpr int64_t kInputs = 2560;   // of Qwen3-4B's feed-forward
constexpr int64_t kOutputs = 9728;  // of the same
constexpr int64_t kMatrices = 8;    // in turn, so that no cache holds the weights

void report(benchmark::State& bench, double products, double bytes) {
  using benchmark::Counter;
  bench.counters["products/s"] = Counter(products, Counter::kIsIterationInvariantRate);
  bench.counters["bytes/s"] = Counter(bytes, Counter::kIsIterationInvariantRate);
}

void multiply(benchmark::State& bench, const kernels::KernelTable& kernels, const Format& format) {
  const int64_t rows = bench.range(0);
  const int64_t row_bytes = kInputs / format.block_values * format.block_bytes;
  const int64_t matrix_bytes = kOutputs * row_bytes;
  WeightArena arena;
  const WeightPiece weights = arena.allocate(kMatrices * matrix_bytes);
  // Small numbers: no scale of any format is then an infinity.
  std::mt19937 random(1);
  for (int64_t i = 0; i < kMatrices * matrix_bytes; i += 4) {
    const uint32_t four = static_cast<uint32_t>(random()) & 0x3f3f3f3f;
    std::memcpy(weights.data + i, &four, 4);
  }

  // 7 % of the groups are wide, as in a model.
  std::normal_distribution<float> bell(0, 1);
  std::vector<float> x(static_cast<size_t>(rows * kInputs));
  for (float& value : x) value = bell(random) * (random() % 430 == 0 ? 8.0f : 1.0f);
  ThreadTeam team(1);
  QuantizedInput input;
  const kernels::QuantizedRows quantized = input.quantize(x.data(), rows, kInputs, kernels, team);
  std::vector<float> out(static_cast<size_t>(rows * kOutputs));
  const kernels::PackedMatmul matmul = kernels.find_packed_matmul(format.gguf_id);
  const kernels::FloatMatmul float_matmul = kernels.find_float_matmul(format.gguf_id);
  const kernels::Bf16Matmul bf16_matmul = format.name == "BF16" ? kernels.bf16_matmul : nullptr;
  kernels::Bf16Rows rounded = {};
  if (bf16_matmul != nullptr) rounded = input.round(x.data(), rows, kInputs, kernels, team);
  const int64_t piece = rows <= 4 ? kOutputs : 2 * kernels::kTileRows;  // as threads take them
  int64_t next = 0;
  for (auto _ : bench) {
    const std::byte* matrix = weights.data + next++ % kMatrices * matrix_bytes;
    for (int64_t j = 0; j < kOutputs; j += piece) {
      const auto take = [&]<typename Rows>(
                            void (*product)(const kernels::TileMatmulArgs<Rows>& args),
                            const Rows& input_rows) {
        product({.out = out.data() + j,
                 .out_stride = kOutputs,
                 .out_rows = nullptr,
                 .x = input_rows,
                 .x_rows = nullptr,
                 .m = rows,
                 .w = reinterpret_cast<const uint8_t*>(matrix) + j * row_bytes,
                 .tile_bytes = kernels::kTileRows * row_bytes,
                 .n = piece,
                 .k = kInputs});
      };
      if (bf16_matmul != nullptr) {
        take(bf16_matmul, rounded);
      } else if (matmul != nullptr) {
        take(matmul, quantized);
      } else {
        take(float_matmul, kernels::FloatRows{x.data(), kInputs});
      }
    }
    benchmark::DoNotOptimize(out.data());
  }
  report(bench, static_cast<double>(rows * kInputs * kOutputs), static_cast<double>(matrix_bytes));
}

// One layer of Qwen3-4B's attention, whose cache no other cache holds: some rows behind 4,096 keys.
void attend(benchmark::State& bench, const kernels::KernelTable& kernels, KvType type) {
  constexpr int64_t kLayers = 16, kKvHeads = 8, kGroup = 4, kHeadSize = 128;
  constexpr int64_t kKeys = 4096, kBlockTokens = 32, kMoreKeys = 512;
  const int64_t rows = bench.range(0);
  CpuBackend backend(kernels, 1, true);
  const auto kv = backend.make_kv_memory({kLayers, kKvHeads, kHeadSize}, type,
                                         (kKeys + kMoreKeys) / kBlockTokens, kBlockTokens);
  std::vector<BlockId> blocks(static_cast<size_t>(kv->block_count()));
  std::iota(blocks.begin(), blocks.end(), BlockId{0});
  const int64_t columns = kKvHeads * kGroup * kHeadSize;
  const auto filled = [&](int64_t count, int64_t width) {
    auto buffer = backend.make_buffer(count * width * 4, "a bench");
    const Activations values = {buffer.get(), 0, count, width};
    std::mt19937 random(1);
    std::normal_distribution<float> bell(0, 1);
    for (float& value : backend.read(values)) value = bell(random);
    return std::make_pair(std::move(buffer), values);
  };
  {
    const auto [buffer, values] = filled(kKeys, kKvHeads * kHeadSize);
    const std::vector<BatchSequence> all = {{0, kKeys, 0, blocks}};
    for (int64_t layer = 0; layer < kLayers; ++layer)
      backend.store_kv(*kv, layer, values, values, all);
  }
  const auto [q_buffer, q] = filled(rows, columns);
  const auto [out_buffer, out] = filled(rows, columns);
  const std::vector<BatchSequence> sequences = {{0, rows, kKeys - 1, blocks}};
  int64_t next = 0;
  for (auto _ : bench) backend.attention(out, q, *kv, next++ % kLayers, sequences);
  const double pairs = static_cast<double>(rows * kKeys * kKvHeads * kGroup);
  report(bench, 2 * pairs * kHeadSize,
         static_cast<double>(kv->size_bytes()) / kLayers * kKeys / (kKeys + kMoreKeys));
}

void probe_products(benchmark::State& bench, const kernels::KernelTable& kernels) {
  int64_t products = 0;
  for (auto _ : bench) products = kernels.probe_products(1 << 16);
  report(bench, static_cast<double>(products), 0);
}

void probe_read(benchmark::State& bench, const kernels::KernelTable& kernels) {
  constexpr int64_t kBytes = int64_t{1} << 29;
  WeightArena arena;
  const WeightPiece memory = arena.allocate(kBytes);
  std::memset(memory.data, 1, kBytes);
  for (auto _ : bench) kernels.probe_read(memory.data, kBytes);
  report(bench, 0, static_cast<double>(kBytes));
}

void add_all(const kernels::KernelTable& kernels) {
  const auto name = [&](std::string_view what) { return fmt::format("{}/{}", kernels.isa, what); };
  benchmark::RegisterBenchmark(name("probe_products").c_str(), probe_products, std::cref(kernels));
  benchmark::RegisterBenchmark(name("probe_read").c_str(), probe_read, std::cref(kernels));
  for (const KvType type : kKvTypes) {
    benchmark::RegisterBenchmark(name(fmt::format("attention_{}", to_string(type))).c_str(), attend,
                                 std::cref(kernels), type)
        ->Arg(1)
        ->Arg(256)
        ->Unit(benchmark::kMillisecond);
  }
  for (const Format& format : formats()) {
    benchmark::RegisterBenchmark(name(format.name).c_str(), multiply, std::cref(kernels),
                                 std::cref(format))
        ->Arg(1)
        ->Arg(4)
        ->Arg(16)
        ->Arg(96)
        ->Arg(192)
        ->Arg(512)
        ->Unit(benchmark::kMillisecond);
  }
}

}  // namespace
}  // namespace sparrow

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  for (const sparrow::kernels::KernelTable* kernels : sparrow::runnable_kernels())
    sparrow::add_all(*kernels);
  benchmark::RunSpecifiedBenchmarks();
}
