#include <gtest/gtest.h>

#include <cmath>

#include "sparrow/engine.h"
#include "sparrow/error.h"
#include "tests/support/test_folder.h"
#include "tests/support/tiny_model.h"

namespace sparrow {
namespace {

class Scoring : public testing::Test {
 protected:
  Scoring() {
    const auto bytes = test_support::tiny_gguf(test_support::tiny_model("qwen2"));
    write_test_file(path_, {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
    engine_ = Engine::load(path_, {.thread_count = 1});
  }

  // By the logprobs of the whole text.
  double expected(std::vector<int32_t> context, const std::vector<int32_t>& continuation) {
    const size_t begin = context.size() - 1;
    context.insert(context.end(), continuation.begin(), continuation.end());
    SamplingParams params;
    params.max_tokens = 0;
    params.prompt_logprobs = 0;
    const auto stream = engine_->submit({context, params});
    std::vector<OutputToken> tokens;
    while (const auto delta = stream->next())
      tokens.insert(tokens.end(), delta->prompt_tokens.begin(), delta->prompt_tokens.end());
    double sum = 0;
    for (size_t i = begin; i < tokens.size(); ++i) sum += static_cast<double>(tokens[i].logprob);
    return sum;
  }

  TestFolder folder_;
  std::string path_ = folder_.path() + "/tiny.gguf";
  std::shared_ptr<Engine> engine_;
  const std::vector<int32_t> context_ = {5, 17, 99, 3, 42, 8};
};

TEST_F(Scoring, a_continuation_has_the_sum_of_its_tokens_log_probabilities) {
  const std::vector<int32_t> continuation = {7, 120, 33};
  const Likelihood found = engine_->log_likelihood(context_, continuation);
  EXPECT_EQ(found.logprob, expected(context_, continuation));
  ASSERT_EQ(found.tokens.size(), 3u);
  EXPECT_EQ(found.tokens[2].id, 33);
  EXPECT_FALSE(found.is_greedy);
}

TEST_F(Scoring, what_the_model_says_itself_is_greedy) {
  SamplingParams params;
  params.temperature = 0;
  params.max_tokens = 4;
  params.ignore_eos = true;
  const auto stream = engine_->submit({context_, params});
  std::vector<int32_t> answer;
  while (const auto delta = stream->next())
    for (const OutputToken& token : delta->tokens) answer.push_back(token.id);
  EXPECT_TRUE(engine_->log_likelihood(context_, answer).is_greedy);
}

TEST_F(Scoring, labels_share_all_of_the_probability) {
  const std::vector<std::vector<int32_t>> labels = {{7}, {9, 12}, {200}};
  const std::vector<double> shares = engine_->classify(context_, labels);
  ASSERT_EQ(shares.size(), 3u);
  EXPECT_NEAR(shares[0] + shares[1] + shares[2], 1, 1e-12);
  EXPECT_NEAR(std::log(shares[0] / shares[1]),
              expected(context_, labels[0]) - expected(context_, labels[1]), 1e-9);
}

TEST_F(Scoring, refuses_what_has_nothing_to_score) {
  const std::vector<int32_t> none;
  EXPECT_THROW(engine_->log_likelihood(none, context_), Error);
  EXPECT_THROW(engine_->log_likelihood(context_, none), Error);
  EXPECT_THROW(engine_->log_likelihood(context_, std::vector<int32_t>{1000000}), Error);
  EXPECT_THROW(engine_->classify(context_, std::vector<std::vector<int32_t>>{{7}}), Error);
}

}  // namespace
}  // namespace sparrow
