#include "apps/cli/bench_tests.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <numeric>

#include "base/elapsed.h"
#include "base/error.h"
#include "gguf/gguf_file.h"

namespace sparrow::cli {
namespace {

constexpr int64_t kBlockTokens = 32;
constexpr int64_t kChunk = 512;  // tokens of a prompt in one step

// Cheap, spread over the vocabulary, the same every time.
int32_t arbitrary_id(int64_t sequence, int64_t position, int64_t vocabulary_size) {
  const uint64_t mixed = static_cast<uint64_t>(sequence * 1000003 + position + 1) * 2654435761u;
  return static_cast<int32_t>(mixed % static_cast<uint64_t>(std::max<int64_t>(1, vocabulary_size)));
}

double quantile(std::vector<double> values, double share) {
  std::sort(values.begin(), values.end());
  const double at = share * static_cast<double>(values.size() - 1);
  const size_t below = static_cast<size_t>(at);
  const size_t above = std::min(below + 1, values.size() - 1);
  return values[below] + (values[above] - values[below]) * (at - static_cast<double>(below));
}

}  // namespace

std::string BenchTest::name() const {
  std::string text = n_prompt > 0 ? fmt::format("pp{}", n_prompt) : fmt::format("tg{}", n_gen);
  if (batch > 1) text += fmt::format(" x{}", batch);
  if (depth > 0) text += fmt::format(" @{}", depth);
  return text;
}

std::vector<BenchTest> bench_tests(const std::vector<int64_t>& prompts,
                                   const std::vector<int64_t>& generations,
                                   const std::vector<int64_t>& depths,
                                   const std::vector<int64_t>& batches) {
  std::vector<BenchTest> tests;
  for (const int64_t depth : depths) {
    for (const int64_t n : prompts) {
      if (n > 0) tests.push_back({.n_prompt = n, .depth = depth});
    }
    for (const int64_t batch : batches) {
      for (const int64_t n : generations) {
        if (n > 0) tests.push_back({.n_gen = n, .depth = depth, .batch = batch});
      }
    }
  }
  return tests;
}

double median_of(std::vector<double> values) { return values.empty() ? 0 : quantile(values, 0.5); }

double BenchResult::median() const { return median_of(rates); }

double BenchResult::spread() const {
  if (rates.size() < 2) return 0;
  return (quantile(rates, 0.75) - quantile(rates, 0.25)) / 2 / median();
}

ModelWork model_work(const GgufFile& file, const ModelConfig& config, KvType kv_type) {
  ModelWork work;
  bool has_output = false;
  double embedding_products = 0;
  double embedding_bytes = 0;
  for (const TensorInfo& info : file.tensors()) {
    const double count = static_cast<double>(info.shape.count());
    const double bytes = static_cast<double>(info.size_bytes);
    if (info.name == "token_embd.weight") {
      embedding_products = count;
      embedding_bytes = bytes;
    } else if (info.name == "output.weight") {
      has_output = true;
      work.products_a_logit_row = count;
      work.weight_bytes_a_step += bytes;
    } else if (info.shape[2] > 1 && config.expert_count > 0) {
      const double used =
          static_cast<double>(config.expert_used_count) / static_cast<double>(config.expert_count);
      work.products_a_token += count * used;
      work.weight_bytes_a_step += bytes * used;
    } else {
      if (info.shape.row_count() > 1) work.products_a_token += count;
      work.weight_bytes_a_step += bytes;
    }
  }
  if (!has_output) {
    work.products_a_logit_row = embedding_products;
    work.weight_bytes_a_step += embedding_bytes;
  }
  work.attention_a_position =
      static_cast<double>(2 * config.layer_count * config.q_size());  // scores and values
  work.kv_bytes_a_position = static_cast<double>(kv_bytes_per_token(config, kv_type));
  return work;
}

double share_of_limit(const BenchTest& test, double rate, const ModelWork& work,
                      const MachineLimits& limits) {
  const double tokens = static_cast<double>(test.token_count());
  const double per_sequence = static_cast<double>(test.n_prompt + test.n_gen);
  const double positions = static_cast<double>(test.depth) + (per_sequence + 1) / 2;  // on average
  const bool is_prompt = test.n_prompt > 0;
  const double logit_rows = is_prompt ? 1 : tokens;
  const double products = tokens * (work.products_a_token + positions * work.attention_a_position) +
                          logit_rows * work.products_a_logit_row;
  const double steps = is_prompt ? (per_sequence + kChunk - 1) / kChunk : per_sequence;
  const double batch = static_cast<double>(test.batch);
  // A prompt's chunk reads the cache once, each generated token does.
  const double cache_reads = is_prompt ? steps : tokens / batch * batch;
  const double bytes =
      steps * work.weight_bytes_a_step + cache_reads * positions * work.kv_bytes_a_position;
  const double least =
      std::max(products / limits.products_per_second, bytes / limits.read_bytes_per_second);
  return least / (tokens / rate);
}

BenchRunner::BenchRunner(const Model& model, KvType kv_type, const std::vector<BenchTest>& tests)
    : model_(model) {
  int64_t positions = 1;
  int64_t batch = 1;
  for (const BenchTest& test : tests) {
    positions = std::max(positions, test.depth + test.n_prompt + test.n_gen);
    batch = std::max(batch, test.batch);
  }
  if (positions > model.config().context_length) {
    fail(ErrorCode::context_full, "the longest test needs {} tokens, but the context holds {}",
         positions, model.config().context_length);
  }
  blocks_a_sequence_ = (positions + kBlockTokens - 1) / kBlockTokens;
  kv_ = model.make_kv_memory(kv_type, blocks_a_sequence_ * batch, kBlockTokens);
  workspace_ = model.make_workspace(
      {.max_rows = std::max(kChunk, batch), .max_logit_rows = batch, .max_positions = positions});
}

void BenchRunner::step(int64_t batch, int64_t rows, int64_t position) {
  std::vector<int32_t> ids;
  std::vector<int32_t> positions;
  std::vector<int64_t> logit_rows;
  std::vector<std::vector<BlockId>> blocks(static_cast<size_t>(batch));
  std::vector<BatchSequence> sequences;
  for (int64_t s = 0; s < batch; ++s) {
    std::vector<BlockId>& own = blocks[static_cast<size_t>(s)];
    own.resize(static_cast<size_t>(blocks_a_sequence_));
    std::iota(own.begin(), own.end(), static_cast<BlockId>(s * blocks_a_sequence_));
    sequences.push_back({s * rows, rows, position, own});
    for (int64_t i = 0; i < rows; ++i) {
      ids.push_back(arbitrary_id(s, position + i, model_.config().vocabulary_size));
      positions.push_back(static_cast<int32_t>(position + i));
    }
    logit_rows.push_back((s + 1) * rows - 1);
  }
  model_.forward({ids, positions, sequences, logit_rows}, *kv_, *workspace_);
}

// Sequence by sequence, as prompts are read.
void BenchRunner::fill(int64_t batch, int64_t depth) {
  if (filled_depth_ == depth && filled_batch_ >= batch) return;
  // One read together is as good as many read alone.
  const int64_t rows = std::max<int64_t>(1, kChunk / batch);
  for (int64_t position = 0; position < depth; position += rows)
    step(batch, std::min(rows, depth - position), position);
  filled_batch_ = batch;
  filled_depth_ = depth;
}

double BenchRunner::run(const BenchTest& test) {
  fill(test.batch, test.depth);
  const auto start = std::chrono::steady_clock::now();
  for (int64_t done = 0; done < test.n_prompt; done += kChunk)
    step(1, std::min(kChunk, test.n_prompt - done), test.depth + done);
  for (int64_t i = 0; i < test.n_gen; ++i) step(test.batch, 1, test.depth + i);
  return seconds_since(start);
}

}  // namespace sparrow::cli
