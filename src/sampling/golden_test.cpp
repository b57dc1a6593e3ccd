// Every step against others' code: tests/golden/sampling/steps.json, made by
// scripts/make_goldens_sampling.py from transformers' processors and NumPy.
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <sstream>

#include "sampling/chain.h"
#include "sampling/logprobs.h"
#include "sampling/params_json.h"
#include "sampling/random.h"
#include "sampling/sampler.h"

namespace sparrow {
namespace {

using Floats = std::vector<float>;

Json read_golden() {
  std::ifstream file(std::string(SPARROW_SOURCE_DIR) + "/tests/golden/sampling/steps.json");
  std::stringstream text;
  text << file.rdbuf();
  return parse_json(text.str(), "steps.json");
}

// Parameters that do nothing, so that a case switches on what it names.
SamplingParams all_off() {
  SamplingParams params;
  params.temperature = 1;
  params.top_k = 0;
  params.top_p = 1;
  params.min_p = 0;
  return params;
}

// The steps' memory and a row of logits.
struct Bench {
  explicit Bench(Floats logits)
      : row(std::move(logits)), candidates(static_cast<int64_t>(row.size())) {
    scratch.counts.assign(row.size(), 0);
    candidates.reset(row);
  }
  StepInput input(std::span<const int32_t> tokens, SamplingState& state) {
    return {tokens, state, candidates, scratch};
  }

  Floats row;
  Candidates candidates;
  StepScratch scratch;
};

TEST(SamplingGoldens, each_step_leaves_what_the_reference_leaves) {
  const Json golden = read_golden();
  ASSERT_GE(golden.at("cases").size(), 200u);
  for (const Json& c : golden.at("cases")) {
    const std::string name = c.at("params").dump() + " on " + c.at("row").get<std::string>();
    SamplingState state;
    state.params = all_off();
    set_sampling_fields(state.params, c.at("params"));
    validate(state.params);
    state.seed = c.at("seed").get<uint64_t>();
    state.output_count = c.at("output_count").get<int64_t>();
    state.dry_breakers.tokens = c.at("breakers").at("tokens").get<std::vector<int32_t>>();
    state.dry_breakers.sequences =
        c.at("breakers").at("sequences").get<std::vector<std::vector<int32_t>>>();
    const std::vector<int32_t> tokens = c.at("tokens").get<std::vector<int32_t>>();
    Bench bench(golden.at("rows").at(c.at("row").get<std::string>()).get<Floats>());
    run_chain(bench.input(tokens, state));

    const std::span<const Candidate> left = bench.candidates.all();
    EXPECT_EQ(left.size(), c.at("kept").get<size_t>()) << name;
    int64_t id_sum = 0;
    for (const Candidate& candidate : left) id_sum += candidate.id;
    EXPECT_EQ(id_sum, c.at("id_sum").get<int64_t>()) << name;
    const float highest = bench.candidates.highest();
    const double total = total_weight(left, highest);
    size_t rank = 0;
    bench.candidates.visit_best([&](const Candidate& candidate) {
      EXPECT_EQ(candidate.id, c.at("best").at(rank).get<int32_t>()) << name << ", rank " << rank;
      const double expected = c.at("p").at(rank).get<double>();
      const double p = static_cast<double>(std::exp(candidate.logit - highest)) / total;
      // f32 logits of up to 40 before a softmax: 2^-24 * 40, and some steps in between.
      EXPECT_NEAR(p, expected, 1e-5 * expected + 1e-12) << name << ", rank " << rank;
      return ++rank < c.at("best").size();
    });
  }
}

TEST(SamplingGoldens, mirostat_walks_the_same_way) {
  const Json golden = read_golden();
  const std::vector<std::string> names = {"flat", "peaked", "zipf", "shifted"};
  for (const Json& run : golden.at("mirostat")) {
    SamplingState state;
    state.params = all_off();
    state.params.mirostat = run.at("mirostat").get<int64_t>();
    state.params.mirostat_tau = run.at("mirostat_tau").get<double>();
    state.params.mirostat_eta = run.at("mirostat_eta").get<double>();
    state.params.temperature = run.at("temperature").get<double>();
    state.seed = run.at("seed").get<uint64_t>();
    state.mirostat_mu = 2 * state.params.mirostat_tau;
    for (const Json& expected : run.at("steps")) {
      const std::string& name = names[static_cast<size_t>(state.output_count) % names.size()];
      Bench bench(golden.at("rows").at(name).get<Floats>());
      const StepInput input = bench.input({}, state);
      run_chain(input);
      EXPECT_EQ(bench.candidates.all().size(), expected.at("kept").get<size_t>());
      EXPECT_EQ(draw_token(input), expected.at("id").get<int32_t>());
      EXPECT_NEAR(state.mirostat_mu, expected.at("mu").get<double>(), 1e-4);
      ++state.output_count;
    }
  }
}

TEST(SamplingGoldens, draws_and_random_numbers_are_those_of_the_paper_in_python) {
  const Json golden = read_golden();
  for (const Json& unit : golden.at("random_units")) {
    EXPECT_EQ(random_unit(unit[0].get<uint64_t>(), unit[1].get<uint64_t>(),
                          static_cast<RandomUse>(unit[2].get<uint32_t>())),
              unit[3].get<double>());
  }
  for (const Json& run : golden.at("draws")) {
    const Floats row = golden.at("rows").at(run.at("row").get<std::string>()).get<Floats>();
    Sampler sampler(static_cast<int64_t>(row.size()));
    SamplingState state;
    state.params = all_off();
    state.seed = run.at("seed").get<uint64_t>();
    for (const Json& expected : run.at("ids")) {
      Floats logits = row;
      EXPECT_EQ(sampler.sample(logits, {}, state).id, expected.get<int32_t>());
    }
  }
}

TEST(SamplingGoldens, logprobs_are_the_log_softmax_of_the_raw_row) {
  const Json golden = read_golden();
  for (const Json& c : golden.at("logprobs")) {
    const Floats row = golden.at("rows").at(c.at("row").get<std::string>()).get<Floats>();
    const double log_total = log_sum_exp(row);
    for (size_t id = 0; id < row.size(); ++id)
      EXPECT_NEAR(logprob_of(row[id], log_total), c.at("log_softmax").at(id).get<double>(), 1e-5);
  }
}

}  // namespace
}  // namespace sparrow
