// How long one token takes to choose from Qwen's 151,936 logits: a bell of them and three likely
// ones, as a model that knows what comes next gives.
//     build/sampler_bench
#include <benchmark/benchmark.h>

#include <algorithm>
#include <random>
#include <vector>

#include "sampling/sampler.h"

namespace sparrow {
namespace {

constexpr size_t kVocabulary = 151936;

void sample(benchmark::State& bench, const SamplingParams& params) {
  std::mt19937 random(1);
  std::normal_distribution<float> bell(0, 2.5f);
  std::vector<float> logits(kVocabulary);
  for (float& logit : logits) logit = bell(random);
  logits[77] = 16;
  logits[999] = 15.5f;
  logits[120000] = 15;
  std::vector<int32_t> tokens(2000);
  for (int32_t& token : tokens) token = static_cast<int32_t>(random() % kVocabulary);
  std::vector<float> row(kVocabulary);
  Sampler sampler(kVocabulary);
  SamplingState state;
  state.params = params;
  state.mirostat_mu = 2 * params.mirostat_tau;
  for (auto _ : bench) {
    bench.PauseTiming();
    std::copy(logits.begin(), logits.end(), row.begin());
    bench.ResumeTiming();
    benchmark::DoNotOptimize(sampler.sample(row, tokens, state));
  }
}

struct Case {
  const char* name;
  void (*set)(SamplingParams& params);
};

constexpr Case kCases[] = {
    {"greedy", [](SamplingParams& p) { p.temperature = 0; }},
    {"default", [](SamplingParams&) {}},
    {"qwen3",
     [](SamplingParams& p) { p.temperature = 0.7, p.top_p = 0.8, p.top_k = 20, p.min_p = 0; }},
    {"top_p_alone", [](SamplingParams& p) { p.top_p = 0.9, p.top_k = 0, p.min_p = 0; }},
    {"min_p_alone", [](SamplingParams& p) { p.top_p = 1, p.top_k = 0; }},
    {"temperature_alone", [](SamplingParams& p) { p.top_p = 1, p.top_k = 0, p.min_p = 0; }},
    {"typical_p", [](SamplingParams& p) { p.typical_p = 0.9, p.top_k = 0; }},
    {"top_n_sigma", [](SamplingParams& p) { p.top_n_sigma = 1; }},
    {"penalties_and_dry",
     [](SamplingParams& p) {
       p.repeat_penalty = 1.1, p.penalty_window = -1, p.dry_multiplier = 0.8;
     }},
    {"mirostat_1", [](SamplingParams& p) { p.mirostat = 1; }},
    {"mirostat_2", [](SamplingParams& p) { p.mirostat = 2; }},
    {"logprobs_20", [](SamplingParams& p) { p.logprobs = 20; }},
};

}  // namespace
}  // namespace sparrow

int main(int argc, char** argv) {
  for (const sparrow::Case& row : sparrow::kCases) {
    sparrow::SamplingParams params;
    row.set(params);
    benchmark::RegisterBenchmark(row.name, [params](benchmark::State& bench) {
      sparrow::sample(bench, params);
    })->Unit(benchmark::kMicrosecond);
  }
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
}
