#include "server/answer_metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/test_folder.h"

namespace sparrow {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;

class AnswerMetricsTest : public testing::Test {
 protected:
  static TextDelta tokens(size_t count, FinishReason reason = FinishReason::none) {
    TextDelta delta;
    delta.tokens.resize(count);
    delta.finish_reason = reason;
    return delta;
  }
  static std::string line(const std::string& name, const std::string& value) {
    return name + "{model_name=\"m\",engine=\"0\"} " + value + "\n";
  }

  TestFolder folder_;
  http::Metrics metrics_;
  ServedModels models_{{.store_root = folder_.path()}};
  AnswerMetrics answers_{metrics_, models_};
  const AnswerClock::Time start_;
};

TEST_F(AnswerMetricsTest, an_answer_is_timed_token_by_token) {
  AnswerClock clock(answers_.of({.name = "m.gguf"}), start_, 9);
  clock.take(tokens(1), {}, start_ + milliseconds(500));
  clock.take(tokens(1), {}, start_ + milliseconds(600));
  clock.take(tokens(0), {}, start_ + milliseconds(700));  // its text is held back
  clock.take(tokens(2), {}, start_ + milliseconds(800));
  const RequestStats stats = {
      .prompt_tokens = 10, .cached_tokens = 4, .output_tokens = 4, .queue_s = 0.25};
  clock.take(tokens(0, FinishReason::length), stats, start_ + milliseconds(1000));
  const std::string text = metrics_.text();
  for (const auto& [name, value] : std::vector<std::pair<std::string, std::string>>{
           {"vllm:time_to_first_token_seconds_count", "1"},
           {"vllm:time_to_first_token_seconds_sum", "0.5"},
           {"vllm:inter_token_latency_seconds_count", "3"},
           {"vllm:e2e_request_latency_seconds_sum", "1"},
           {"vllm:request_queue_time_seconds_sum", "0.25"},
           {"vllm:request_params_max_tokens_sum", "9"},
           {"vllm:prompt_tokens_total", "10"},
           {"vllm:prefix_cache_hits_total", "4"},
           {"vllm:generation_tokens_total", "4"}})
    EXPECT_THAT(text, HasSubstr(line(name, value)));
  EXPECT_THAT(text, HasSubstr("llamacpp:prompt_tokens_total 6\n"));
  EXPECT_THAT(text, HasSubstr("llamacpp:n_tokens_max 14\n"));
  EXPECT_THAT(text, HasSubstr("finished_reason=\"length\"} 1\n"));
}

TEST_F(AnswerMetricsTest, an_answer_without_tokens_has_no_first_one) {
  AnswerClock clock(answers_.of({.name = "m"}), start_, -1);
  clock.take(tokens(0, FinishReason::cancelled), {}, start_ + milliseconds(10));
  const std::string text = metrics_.text();
  EXPECT_THAT(text, HasSubstr(line("vllm:time_to_first_token_seconds_count", "0")));
  EXPECT_THAT(text, HasSubstr(line("vllm:request_params_max_tokens_count", "0")));
  EXPECT_THAT(text, HasSubstr("finished_reason=\"abort\"} 1\n"));
}

}  // namespace
}  // namespace sparrow
