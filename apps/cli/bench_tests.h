// The measurements of `sparrow bench`: what is timed, how often, and what the machine could do at
// best in the same minutes.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "backend/backend.h"
#include "model/model.h"

namespace sparrow::cli {

// Either a prompt of n_prompt tokens, or n_gen tokens one by one for each of `batch` sequences,
// after `depth` tokens that are in the cache already.
struct BenchTest {
  int64_t n_prompt = 0;
  int64_t n_gen = 0;
  int64_t depth = 0;
  int64_t batch = 1;

  std::string name() const;  // "pp512", "tg128 x16 @4096"
  int64_t token_count() const { return (n_prompt + n_gen) * batch; }
  friend bool operator==(const BenchTest&, const BenchTest&) = default;
};

// All combinations, prompts before generation, depth by depth.
std::vector<BenchTest> bench_tests(const std::vector<int64_t>& prompts,
                                   const std::vector<int64_t>& generations,
                                   const std::vector<int64_t>& depths,
                                   const std::vector<int64_t>& batches);

struct BenchResult {
  BenchTest test;
  std::vector<double> rates;        // tokens a second, a repetition each
  MachineLimits limits;             // measured right after
  double share_of_limit = 0;        // of the median
  std::vector<double> other_rates;  // of the program compared with

  double median() const;
  double spread() const;  // half of the middle half's width, as a share of the median
};

double median_of(std::vector<double> values);

// The work of a model, from its file: what a rate is compared with.
struct ModelWork {
  double products_a_token = 0;      // in matrices that every token passes
  double products_a_logit_row = 0;  // in the last matrix
  double attention_a_position = 0;  // products with one position of the cache
  double weight_bytes_a_step = 0;   // read once a step, whatever the batch
  double kv_bytes_a_position = 0;
};
ModelWork model_work(const GgufFile& file, const ModelConfig& config, KvType kv_type);

// The least time the machine could take, by arithmetic or by memory, over the time that was taken.
double share_of_limit(const BenchTest& test, double rate, const ModelWork& work,
                      const MachineLimits& limits);

// A model with room for the largest of some tests. Token ids are arbitrary, and the same every
// time.
class BenchRunner {
 public:
  BenchRunner(const Model& model, KvType kv_type, const std::vector<BenchTest>& tests);

  // Seconds. The cache is filled up to the depth first, unless the last test left it so.
  double run(const BenchTest& test);

 private:
  // `rows` tokens each for `batch` sequences from `position` on.
  void step(int64_t batch, int64_t rows, int64_t position);
  void fill(int64_t batch, int64_t depth);

  const Model& model_;
  int64_t blocks_a_sequence_ = 0;
  std::unique_ptr<KvMemory> kv_;
  std::unique_ptr<Workspace> workspace_;
  int64_t filled_batch_ = 0;
  int64_t filled_depth_ = 0;
};

}  // namespace sparrow::cli
