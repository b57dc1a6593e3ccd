#include "apps/cli/bench_compare.h"

#include <gtest/gtest.h>

#include "sparrow/error.h"

namespace sparrow::cli {
namespace {

const std::vector<BenchTest> kTests = bench_tests({512}, {128}, {0, 4096}, {1, 16});

TEST(BenchTests, are_all_combinations_with_names) {
  std::vector<std::string> names;
  for (const BenchTest& test : kTests) names.push_back(test.name());
  EXPECT_EQ(names, (std::vector<std::string>{"pp512", "tg128", "tg128 x16", "pp512 @4096",
                                             "tg128 @4096", "tg128 x16 @4096"}));
  EXPECT_TRUE(bench_tests({0}, {0}, {0}, {1}).empty());
}

TEST(BenchTests, a_share_is_the_least_time_over_the_time_taken) {
  const ModelWork work = {.products_a_token = 1e9,
                          .products_a_logit_row = 0,
                          .attention_a_position = 0,
                          .weight_bytes_a_step = 1e9,
                          .kv_bytes_a_position = 0};
  MachineLimits limits;
  limits.products_per_second = 1e12;
  limits.read_bytes_per_second = 1e10;
  // 512 tokens at 1e9 products are 0.512 s, 1e9 bytes 0.1 s: arithmetic is the limit.
  EXPECT_NEAR(share_of_limit({.n_prompt = 512}, 500, work, limits), 0.5, 1e-9);
  // A token by itself takes 1 ms of arithmetic and 100 ms of reading.
  EXPECT_NEAR(share_of_limit({.n_gen = 10}, 8, work, limits), 0.8, 1e-9);
  EXPECT_NEAR(share_of_limit({.n_gen = 10, .batch = 16}, 128, work, limits), 0.8, 1e-9);
}

TEST(BenchResult, has_a_median_and_a_spread) {
  BenchResult result;
  result.rates = {10, 30, 20, 22, 18};
  EXPECT_DOUBLE_EQ(result.median(), 20);
  EXPECT_DOUBLE_EQ(result.spread(), 0.1);  // 18 to 22
}

TEST(OtherRates, are_read_from_our_own_json) {
  const OtherReport report = parse_other_report(
      R"(warming up {not json}
{"tests": [{"name": "tg128 x16", "n_prompt": 0, "n_gen": 128, "depth": 0, "batch": 16,
            "tokens_per_second": 88.5}],
 "load_seconds": 0.25, "peak_memory_bytes": 4096})",
      kTests);
  ASSERT_EQ(report.rates.size(), 1u);
  EXPECT_EQ(report.rates[0].test, kTests[2]);
  EXPECT_EQ(report.rates[0].tokens_per_second, 88.5);
  EXPECT_EQ(report.load_s, 0.25);
  EXPECT_EQ(report.peak_bytes, 4096);
}

TEST(OtherRates, are_read_from_llama_bench) {
  const OtherReport report = parse_other_report(
      R"([{"n_prompt": 512, "n_gen": 0, "n_depth": 4096, "avg_ts": 20.5, "samples_ns": [1]},
          {"n_prompt": 0, "n_gen": 128, "n_depth": 0, "avg_ts": 9}])",
      kTests);
  ASSERT_EQ(report.rates.size(), 2u);
  EXPECT_EQ(report.rates[0].test, kTests[3]);
  EXPECT_EQ(report.rates[1].test, kTests[1]);
}

TEST(OtherRates, of_two_numbers_stand_for_the_first_tests) {
  const OtherReport report = parse_other_report(
      R"({"load_ms": 500, "peak_rss_mb": 1.5, "prefill_tokens_per_second": 25,
          "decode_tokens_per_second": 8})",
      kTests);
  ASSERT_EQ(report.rates.size(), 2u);
  EXPECT_EQ(report.rates[0].test.name(), "pp512");
  EXPECT_EQ(report.rates[1].test.name(), "tg128");
  EXPECT_EQ(report.load_s, 0.5);
  EXPECT_EQ(report.peak_bytes, 3 << 19);
}

TEST(OtherReport, takes_no_time_or_size_that_cannot_be) {
  const OtherReport report = parse_other_report(
      R"({"tests": [{"n_prompt": 512, "tokens_per_second": 1}], "load_seconds": -1,
          "peak_memory_bytes": 1e300})",
      kTests);
  EXPECT_EQ(report.load_s, 0);
  EXPECT_EQ(report.peak_bytes, 0);
}

TEST(OtherRates, that_are_none_are_an_error_with_what_was_printed) {
  try {
    parse_other_report("error: no such model", kTests);
    FAIL();
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("no such model"), std::string::npos);
  }
  EXPECT_THROW(parse_other_report("", kTests), Error);
  EXPECT_THROW(parse_other_report("{}", kTests), Error);
}

TEST(Commands, are_split_as_a_shell_would) {
  EXPECT_EQ(split_command("llama-bench -m  'my model.gguf' -o json"),
            (std::vector<std::string>{"llama-bench", "-m", "my model.gguf", "-o", "json"}));
  EXPECT_EQ(split_command("a\"b c\"d ''"), (std::vector<std::string>{"ab cd", ""}));
  EXPECT_THROW(split_command("a 'b"), Error);
  EXPECT_THROW(split_command("  "), Error);
}

TEST(Commands, that_fail_say_how) {
  try {
    run_command({"ls", "/no/such/folder"});
    FAIL();
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("exit code"), std::string::npos);
  }
  EXPECT_THROW(run_command({"no-such-program-here"}), Error);
  EXPECT_EQ(run_command({"echo", "12"}), "12\n");
}

}  // namespace
}  // namespace sparrow::cli
