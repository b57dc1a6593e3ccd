// How long a model file takes to open: mapped, every check made, no weight touched.
//     build/gguf_bench [MODEL.gguf …]
// Without a file it makes one of the size and shape of qwen2.5-coder 1.5B: 151,936 tokens, 151,387
// merges, 339 tensors, 1.1 GB that are a hole in the file.
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "gguf/gguf_file.h"
#include "gguf/writer.h"

namespace sparrow {
namespace {

constexpr int64_t kTokens = 151936;
constexpr int64_t kMerges = 151387;
constexpr int64_t kTensors = 339;
constexpr int64_t kTensorBytes = 1'111'000'000 / kTensors / 144 * 144;  // whole blocks of Q4_K

GgufWriter vocabulary_writer() {
  std::vector<std::string> tokens;
  std::vector<std::string> merges;
  for (int64_t i = 0; i < kTokens; ++i) tokens.push_back(fmt::format("t{:x}", i));
  for (int64_t i = 0; i < kMerges; ++i) merges.push_back(fmt::format("t{:x} t{:x}", i / 3, i));
  GgufWriter writer;
  writer.add_string("general.architecture", "qwen2");
  writer.add_strings("tokenizer.ggml.tokens", tokens);
  writer.add_int32s("tokenizer.ggml.token_type", std::vector<int32_t>(kTokens, 1));
  writer.add_strings("tokenizer.ggml.merges", merges);
  return writer;
}

template <typename T>
void append(std::string& bytes, T value) {
  bytes.append(reinterpret_cast<const char*>(&value), sizeof(T));
}

// The writer wants the bytes of each tensor; here they are to be a hole, so the directory is
// written by hand behind the writer's metadata.
void write_sparse_model(const std::string& path) {
  const std::vector<std::byte> head = vocabulary_writer().to_bytes();
  const auto metadata_end =
      GgufFile::parse(head, "head")->metadata().get_strings("tokenizer.ggml.merges").back();
  const char* begin = reinterpret_cast<const char*>(head.data());
  std::string bytes(begin, metadata_end.data() + metadata_end.size());
  const uint64_t tensor_count = kTensors;
  bytes.replace(8, 8, reinterpret_cast<const char*>(&tensor_count), 8);
  for (int64_t i = 0; i < kTensors; ++i) {
    const std::string name = fmt::format("blk.{}.weight", i);
    append(bytes, uint64_t{name.size()});
    bytes += name;
    append(bytes, uint32_t{1});
    append(bytes, static_cast<uint64_t>(kTensorBytes / 144 * 256));
    append(bytes, uint32_t{12});
    append(bytes, static_cast<uint64_t>(i * kTensorBytes));
  }
  std::FILE* file = std::fopen(path.c_str(), "wb");
  SPARROW_CHECK(file != nullptr && std::fwrite(bytes.data(), bytes.size(), 1, file) == 1);
  std::fclose(file);
  std::filesystem::resize_file(path, bytes.size() + 32 + kTensors * kTensorBytes);
}

void open_file(benchmark::State& state, const std::string& path) {
  for ([[maybe_unused]] auto _ : state) benchmark::DoNotOptimize(GgufFile::open(path));
  state.counters["file_bytes"] = static_cast<double>(GgufFile::open(path)->size_bytes());
}

}  // namespace
}  // namespace sparrow

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  std::vector<std::string> paths(argv + 1, argv + argc);
  const std::string made =
      (std::filesystem::temp_directory_path() / "sparrow-gguf-bench.gguf").string();
  const bool is_made = paths.empty();
  if (is_made) {
    sparrow::write_sparse_model(made);
    paths.push_back(made);
  }
  for (const std::string& path : paths) {
    const std::string name = "open/" + std::filesystem::path(path).filename().string();
    benchmark::RegisterBenchmark(name.c_str(), sparrow::open_file, path)
        ->Unit(benchmark::kMillisecond);
  }
  benchmark::RunSpecifiedBenchmarks();
  if (is_made) std::filesystem::remove(made);
  return 0;
}
