#include "sampling/sampler.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

#include "sampling/random.h"

namespace sparrow {
namespace {

using Floats = std::vector<float>;

SamplingState make_state(const SamplingParams& params, uint64_t seed = 1) {
  SamplingState state;
  state.params = params;
  state.seed = seed;
  state.mirostat_mu = 2 * params.mirostat_tau;
  return state;
}

SamplingParams all_off() {
  SamplingParams params;
  params.temperature = 1;
  params.top_k = 0;
  params.top_p = 1;
  params.min_p = 0;
  return params;
}

int32_t sample(Floats logits, SamplingState state, const std::vector<int32_t>& tokens = {}) {
  Sampler sampler(static_cast<int64_t>(logits.size()));
  return sampler.sample(logits, tokens, state).id;
}

// Pearson's statistic of the draws against the expected shares, small shares pooled.
double chi_square(const std::vector<int64_t>& counts, const std::vector<double>& shares,
                  int64_t draws, int64_t* degrees) {
  double statistic = 0;
  double pooled_expected = 0;
  double pooled_count = 0;
  *degrees = -1;
  const auto add = [&](double expected, double count) {
    statistic += (count - expected) * (count - expected) / expected;
    ++*degrees;
  };
  for (size_t i = 0; i < shares.size(); ++i) {
    const double expected = shares[i] * static_cast<double>(draws);
    if (expected < 10) {
      pooled_expected += expected;
      pooled_count += static_cast<double>(counts[i]);
    } else {
      add(expected, static_cast<double>(counts[i]));
    }
  }
  if (pooled_expected > 0) add(pooled_expected, pooled_count);
  return statistic;
}

TEST(Sampler, draws_tokens_as_often_as_their_probability_says) {
  constexpr int64_t kDraws = 40000;
  Floats row(60);
  for (size_t i = 0; i < row.size(); ++i) row[i] = 3 * std::sin(static_cast<float>(i * i));
  for (const double temperature : {0.5, 1.0, 2.0}) {
    std::vector<double> shares;
    double total = 0;
    for (const float logit : row) total += std::exp(logit / temperature);
    for (const float logit : row) shares.push_back(std::exp(logit / temperature) / total);
    SamplingParams params = all_off();
    params.temperature = temperature;
    SamplingState state = make_state(params, 5);
    Sampler sampler(60);
    std::vector<int64_t> counts(60);
    for (int64_t i = 0; i < kDraws; ++i) {
      Floats logits = row;
      ++counts[static_cast<size_t>(sampler.sample(logits, {}, state).id)];
    }
    int64_t degrees = 0;
    const double statistic = chi_square(counts, shares, kDraws, &degrees);
    // Mean `degrees`, standard deviation sqrt(2 * degrees): 4 of them would be one seed in 10,000.
    EXPECT_LT(statistic,
              static_cast<double>(degrees) + 4 * std::sqrt(2.0 * static_cast<double>(degrees)));
  }
}

TEST(Sampler, the_same_seed_and_position_give_the_same_token_whatever_came_before) {
  Floats row(500);
  for (size_t i = 0; i < row.size(); ++i) row[i] = std::cos(static_cast<float>(i) * 0.7f);
  SamplingState state = make_state(SamplingParams{}, 99);
  Sampler sampler(500);
  std::vector<int32_t> first;
  for (int i = 0; i < 50; ++i) {
    Floats logits = row;
    first.push_back(sampler.sample(logits, {}, state).id);
  }
  // Another sampler, only the second half, interleaved with somebody else's draws.
  Sampler other(500);
  SamplingState again = make_state(SamplingParams{}, 99);
  again.output_count = 25;
  SamplingState stranger = make_state(SamplingParams{}, 7);
  for (size_t i = 25; i < 50; ++i) {
    Floats logits = row;
    other.sample(logits, {}, stranger);
    logits = row;
    EXPECT_EQ(other.sample(logits, {}, again).id, first[i]);
  }
}

TEST(Sampler, greedy_takes_the_lowest_id_of_equals_and_needs_no_randomness) {
  SamplingParams params;
  params.temperature = 0;
  EXPECT_EQ(sample({1, 4, 4, 2}, make_state(params, 1)), 1);
  EXPECT_EQ(sample({1, 4, 4, 2}, make_state(params, 2)), 1);
  // Steps that may drop the best still count.
  params.xtc_probability = 1;
  params.xtc_threshold = 0.1;
  EXPECT_EQ(sample({1, 4, 4, 2}, make_state(params, 1)), 2);
}

TEST(Sampler, excluded_and_held_back_tokens_are_never_sampled) {
  SamplingParams params = all_off();
  params.min_tokens = 2;
  SamplingState state = make_state(params);
  state.excluded = {0, 3};
  state.held_back = {1};
  Sampler sampler(4);
  for (int i = 0; i < 40; ++i) {
    Floats logits = {50, 30, 0, 50};
    EXPECT_EQ(sampler.sample(logits, {}, state).id, i < 2 ? 2 : 1);
  }
}

TEST(Sampler, only_allowed_tokens_are_sampled_if_there_are_any) {
  SamplingParams params = all_off();
  params.allowed_token_ids = {2, 1};
  SamplingState state = make_state(params);
  state.allowed = {1, 2};
  state.excluded = {1};
  for (int i = 0; i < 20; ++i) EXPECT_EQ(sample({9, 9, 0, 9}, state), 2);
}

TEST(Sampler, a_bad_word_is_never_finished_and_its_beginning_is_free) {
  SamplingParams params;
  params.temperature = 0;
  params.bad_words = {"any"};
  SamplingState state = make_state(params);
  state.bad_words = {{0}, {1, 2}, {3, 1, 0}};
  Sampler sampler(4);
  const auto next = [&](const std::vector<int32_t>& tokens, int64_t output_count) {
    state.output_count = output_count;
    Floats logits = {5, 3, 4, 2};
    return sampler.sample(logits, tokens, state).id;
  };
  EXPECT_EQ(next({}, 0), 2);
  EXPECT_EQ(next({3, 1}, 2), 1);  // after 1 not 2, and 0 never
  EXPECT_EQ(next({3, 1}, 0), 2);  // the prompt does not count
  EXPECT_EQ(next({1, 3}, 2), 2);
}

TEST(Sampler, broken_logits_are_an_error_and_change_nothing) {
  for (const float bad :
       {std::numeric_limits<float>::quiet_NaN(), -std::numeric_limits<float>::quiet_NaN(),
        std::numeric_limits<float>::infinity()}) {
    for (size_t at = 0; at < 37; ++at) {
      Floats logits(37, 1);
      logits[at] = bad;
      SamplingState state = make_state(SamplingParams{});
      Sampler sampler(37);
      const SampledToken token = sampler.sample(logits, {}, state);
      EXPECT_EQ(token.id, -1);
      EXPECT_STRNE(token.error, "");
      EXPECT_EQ(state.output_count, 0);
    }
  }
}

TEST(Sampler, a_row_without_any_choice_is_an_error) {
  for (const double temperature : {0.0, 0.8}) {
    for (const bool all_on : {false, true}) {
      SamplingParams params;
      params.temperature = temperature;
      if (all_on) {
        params.typical_p = 0.5;
        params.xtc_probability = 1;
        params.top_n_sigma = 1;
      }
      Floats logits(20, kExcluded);
      SamplingState state = make_state(params);
      Sampler sampler(20);
      EXPECT_EQ(sampler.sample(logits, {}, state).id, -1);
    }
  }
}

// Whatever the numbers, an id inside the vocabulary comes out.
TEST(Sampler, extreme_but_finite_rows_always_give_a_token) {
  constexpr float kMax = std::numeric_limits<float>::max();
  const std::vector<Floats> rows = {Floats(50, 0),
                                    Floats(50, kMax),
                                    Floats(50, -kMax),
                                    {-kMax, kMax, 0, kExcluded},
                                    {kExcluded, -kMax, kExcluded},
                                    {1e-45f, 0, -1e-45f},
                                    {5}};
  std::vector<SamplingParams> all;
  for (const double temperature : {0.0, 5e-324, 1e-30, 0.8, 100.0}) {
    SamplingParams params;
    params.temperature = temperature;
    all.push_back(params);
    params = all_off();
    params.temperature = temperature;
    all.push_back(params);
    params.top_n_sigma = 0;
    params.typical_p = 1e-300;
    params.top_p = 1e-300;
    params.min_p = 1;
    params.xtc_probability = 1;
    params.xtc_threshold = 0;
    params.repeat_penalty = 100;
    params.presence_penalty = 2;
    params.frequency_penalty = -2;
    params.dry_multiplier = 100;
    params.dry_base = 100;
    params.dry_allowed_length = 1;
    all.push_back(params);
    if (temperature == 0) continue;
    for (const int64_t version : {1, 2}) {
      params = all_off();
      params.temperature = temperature;
      params.mirostat = version;
      params.mirostat_eta = 1;
      params.mirostat_tau = version == 1 ? 0 : 100;
      all.push_back(params);
    }
  }
  for (const SamplingParams& params : all) {
    for (const Floats& row : rows) {
      SamplingState state = make_state(params, 3);
      Sampler sampler(static_cast<int64_t>(row.size()));
      std::vector<int32_t> tokens(300, 0);
      for (int i = 0; i < 20; ++i) {
        Floats logits = row;
        const SampledToken token = sampler.sample(logits, tokens, state);
        ASSERT_GE(token.id, 0) << token.error;
        ASSERT_LT(token.id, static_cast<int32_t>(row.size()));
        ASSERT_NE(row[static_cast<size_t>(token.id)], kExcluded);
        tokens.push_back(token.id);
      }
    }
  }
}

TEST(Sampler, repetition_penalties_that_exclude_everything_else_leave_the_state_clean) {
  // The same sampler serves many histories: counts of one must not leak into the next.
  SamplingParams params;
  params.temperature = 0;
  params.frequency_penalty = 2;
  params.dry_multiplier = 1;
  Sampler sampler(8);
  for (int round = 0; round < 3; ++round) {
    SamplingState state = make_state(params);
    Floats logits = {5, 4, 0, 0, 0, 0, 0, 0};
    EXPECT_EQ(sampler.sample(logits, std::vector<int32_t>{0}, state).id, 1);
    logits = {5, 4, 0, 0, 0, 0, 0, 0};
    EXPECT_EQ(sampler.sample(logits, {}, state).id, 0);
  }
}

TEST(Sampler, presence_and_frequency_count_the_prompt_only_if_they_are_told_to) {
  SamplingParams params;
  params.temperature = 0;
  params.presence_penalty = 1;
  params.frequency_penalty = 1;
  params.repeat_penalty = 1.25;
  const std::vector<int32_t> tokens = {0, 0, 1};  // prompt 0, 0; answer 1
  Sampler sampler(4);
  const auto best = [&](bool penalize_prompt, Floats logits) {
    params.penalize_prompt = penalize_prompt;
    SamplingState state = make_state(params);
    state.output_count = 1;
    return sampler.sample(logits, tokens, state).id;
  };
  // 0 loses 1/5 in either case, and another 3 as a token of the prompt; 1 loses 1/5 and 2.
  EXPECT_EQ(best(false, {10, 9, 7.9f, 0}), 0);
  EXPECT_EQ(best(true, {10, 9, 7.9f, 0}), 2);
  EXPECT_EQ(best(false, {9, 10, 7.3f, 0}), 2);
  EXPECT_EQ(best(false, {9, 12, 7.3f, 0}), 1);
}

TEST(Sampler, logprobs_come_from_the_raw_row_whatever_the_steps_do) {
  SamplingParams params;
  params.temperature = 0;
  params.logit_bias = {{2, 100}};
  params.logprobs = 3;
  SamplingState state = make_state(params);
  state.excluded = {0};
  const Floats row = {4, 3, 1, 3, 0};
  Floats logits = row;
  Sampler sampler(5);
  const SampledToken token = sampler.sample(logits, {}, state);
  double total = 0;
  for (const float logit : row) total += std::exp(logit);
  EXPECT_EQ(token.id, 2);
  EXPECT_NEAR(token.logprob, 1 - std::log(total), 1e-6);
  ASSERT_EQ(token.top.size(), 3u);
  EXPECT_EQ(token.top[0].id, 0);
  EXPECT_EQ(token.top[1].id, 1);
  EXPECT_EQ(token.top[2].id, 3);
  EXPECT_EQ(token.top[1].logprob, token.top[2].logprob);
  // The same float in both lists.
  params.logit_bias.clear();
  SamplingState plain = make_state(params);
  logits = row;
  const SampledToken best = sampler.sample(logits, {}, plain);
  EXPECT_EQ(best.id, 0);
  EXPECT_EQ(best.logprob, best.top[0].logprob);
}

TEST(Sampler, logprobs_0_reports_the_chosen_token_alone_and_20_never_more_than_there_are) {
  SamplingParams params;
  params.temperature = 0;
  params.logprobs = 0;
  SamplingState state = make_state(params);
  Sampler sampler(3);
  Floats logits = {0, 1, 0};
  EXPECT_TRUE(sampler.sample(logits, {}, state).top.empty());
  state.params.logprobs = 20;
  logits = {0, 1, 0};
  EXPECT_EQ(sampler.sample(logits, {}, state).top.size(), 3u);
}

}  // namespace
}  // namespace sparrow
