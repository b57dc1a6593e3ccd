// How quickly a tokenizer loads, encodes and decodes.
//     build/tokenizer_bench MODEL [TEXTS.json]
// MODEL is a .gguf or a tokenizer.json, TEXTS.json an array of texts: scripts/bench_tokenizers.py
// makes one, runs this and Hugging Face's tokenizers on it. Without texts: runs of one character.
#include <benchmark/benchmark.h>

#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/json.h"
#include "base/mapped_file.h"
#include "gguf/gguf_file.h"
#include "text/tokenizer.h"

namespace sparrow {
namespace {

std::string read_file(const std::string& path) {
  const MappedFile file(path);
  return {reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size()};
}

std::shared_ptr<const Tokenizer> load(const std::string& model) {
  if (model.ends_with(".json")) return Tokenizer::from_json(read_file(model));
  return Tokenizer::from_gguf(*GgufFile::open(model));
}

void load_from_gguf(benchmark::State& state, const std::string& model) {
  const std::shared_ptr<const GgufFile> file = GgufFile::open(model);
  for (auto _ : state) benchmark::DoNotOptimize(Tokenizer::from_gguf(*file));
}

void load_from_json(benchmark::State& state, const std::string& model) {
  const std::string text = read_file(model);
  for (auto _ : state) benchmark::DoNotOptimize(Tokenizer::from_json(text));
}

void encode(benchmark::State& state, const Tokenizer& tokenizer,
            const std::vector<std::string>& texts) {
  size_t size_bytes = 0;
  size_t token_count = 0;
  for (auto _ : state) {
    token_count = 0;
    for (const std::string& text : texts) token_count += tokenizer.encode(text, true).size();
  }
  for (const std::string& text : texts) size_bytes += text.size();
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * size_bytes));
  state.counters["tokens"] = static_cast<double>(token_count);
}

void decode(benchmark::State& state, const Tokenizer& tokenizer,
            const std::vector<std::string>& texts) {
  std::vector<std::vector<TokenId>> ids;
  size_t size_bytes = 0;
  for (const std::string& text : texts) ids.push_back(tokenizer.encode(text, true));
  for (auto _ : state) {
    for (const std::vector<TokenId>& row : ids) benchmark::DoNotOptimize(tokenizer.decode(row));
  }
  for (const std::string& text : texts) size_bytes += text.size();
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * size_bytes));
}

// 1 MB of one character, or of a few that repeat.
std::vector<std::string> long_run(std::string_view unit) {
  std::string text;
  while (text.size() < 1'000'000) text += unit;
  return {text};
}

void run(const std::string& model, const std::string& texts_path) {
  benchmark::RegisterBenchmark("load", model.ends_with(".json") ? load_from_json : load_from_gguf,
                               model)
      ->Unit(benchmark::kMillisecond);
  const std::shared_ptr<const Tokenizer> tokenizer = load(model);
  std::vector<std::vector<std::string>> texts;
  std::vector<std::string> names;
  if (texts_path.empty()) {
    for (const char* unit :
         {"a", " ", "\n", "=", "1", "<", "é", "你", "😀", "e\u0301", " a", "<|im_"}) {
      texts.push_back(long_run(unit));
      names.push_back(Json(unit).dump());
    }
  } else {
    texts.push_back(
        parse_tree_json(read_file(texts_path), texts_path).get<std::vector<std::string>>());
    names.push_back("texts");
  }
  for (size_t i = 0; i < texts.size(); ++i) {
    for (const auto measure : {encode, decode}) {
      const std::string name = (measure == encode ? "encode/" : "decode/") + names[i];
      benchmark::RegisterBenchmark(name.c_str(), [&, i, measure](benchmark::State& state) {
        measure(state, *tokenizer, texts[i]);
      })->Unit(benchmark::kMillisecond);
    }
  }
  benchmark::RunSpecifiedBenchmarks();
}

}  // namespace
}  // namespace sparrow

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (argc < 2) {
    std::fprintf(stderr, "usage: tokenizer_bench MODEL [TEXTS.json] [--benchmark_…]\n");
    return 2;
  }
  try {
    sparrow::run(argv[1], argc > 2 ? argv[2] : "");
  } catch (const sparrow::Error& error) {
    std::fprintf(stderr, "Error: %s\n", error.what());
    return 1;
  }
  return 0;
}
