#include "sampling/params_json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sparrow/error.h"

namespace sparrow {
namespace {

using testing::HasSubstr;

std::string refusal(const char* text, std::string_view what = {}) {
  SamplingParams params;
  try {
    set_sampling_fields(params, parse_json(text, "test"), what);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::invalid_argument);
    EXPECT_EQ(sampling_json(params), sampling_json({}));
    return error.what();
  }
  return "accepted";
}

TEST(SamplingJson, reads_every_type) {
  SamplingParams params;
  set_sampling_fields(params, parse_json(R"({"temperature": 1, "top_k": 3.0, "ignore_eos": true,
      "seed": 7, "stop": "x", "stop_token_ids": [1, 2], "logit_bias": {"15": -2.5},
      "dry_sequence_breakers": ["\n"], "top_p": null})",
                                         "test"));
  EXPECT_EQ(params.temperature, 1);
  EXPECT_EQ(params.top_k, 3);
  EXPECT_TRUE(params.ignore_eos);
  EXPECT_EQ(params.seed, 7);
  EXPECT_EQ(params.stop, std::vector<std::string>{"x"});
  EXPECT_EQ(params.stop_token_ids, (std::vector<int32_t>{1, 2}));
  EXPECT_EQ(params.logit_bias, (std::map<int32_t, double>{{15, -2.5}}));
  EXPECT_EQ(params.dry_sequence_breakers, std::vector<std::string>{"\n"});
  EXPECT_EQ(params.top_p, 0.95);
}

TEST(SamplingJson, comes_back_as_it_went) {
  SamplingParams params;
  params.seed = 123456789012345;
  params.stop = {"a", "\n"};
  params.logit_bias = {{3, 0.5}};
  params.stop_token_ids = {9};
  params.mirostat = 2;
  SamplingParams back;
  set_sampling_fields(back, sampling_json(params));
  EXPECT_EQ(sampling_json(back), sampling_json(params));
  EXPECT_EQ(sampling_json(params).size(), sampling_fields().size());
  EXPECT_TRUE(sampling_json({}).at("seed").is_null());
}

TEST(SamplingJson, refuses_other_types_and_names_and_changes_nothing) {
  EXPECT_EQ(refusal(R"({"top_k": 5, "top_p": 1.7})"), "top_p must be in (0, 1], got 1.7");
  EXPECT_EQ(refusal(R"({"top_p": "0.5"})"), R"(top_p must be in (0, 1], got "0.5")");
  EXPECT_EQ(refusal(R"({"top_p": "0.5"})", "catalog"),
            R"(catalog: top_p must be in (0, 1], got "0.5")");
  EXPECT_EQ(refusal(R"({"top_k": 2.5})"), "top_k must be at least 0, got 2.5");
  EXPECT_EQ(refusal(R"({"top_k": 1e300})"), "top_k must be at least 0, got 1e+300");
  EXPECT_EQ(refusal(R"({"top_k": 18446744073709551615})"),
            "top_k must be at least 0, got 18446744073709551615");
  EXPECT_EQ(refusal(R"({"ignore_eos": 1})"), "ignore_eos must be true or false, got 1");
  EXPECT_THAT(refusal(R"({"stop": [1]})"), HasSubstr("stop must be at most 16 texts"));
  EXPECT_THAT(refusal(R"({"stop": 1})"), HasSubstr("stop must be"));
  EXPECT_THAT(refusal(R"({"stop_token_ids": [4294967296]})"), HasSubstr("stop_token_ids must be"));
  EXPECT_THAT(refusal(R"({"stop_token_ids": [-1]})"), HasSubstr("stop_token_ids must be"));
  EXPECT_THAT(refusal(R"({"logit_bias": {"x": 1}})"), HasSubstr("logit_bias must be"));
  EXPECT_THAT(refusal(R"({"logit_bias": {"1": 101}})"), HasSubstr("logit_bias must be"));
  EXPECT_THAT(refusal(R"({"logit_bias": [1]})"), HasSubstr("logit_bias must be"));
  EXPECT_EQ(refusal(R"({"top_q": 1})"), "there is no sampling parameter 'top_q'");
  EXPECT_EQ(refusal("[]"), "sampling parameters must be a JSON object");
}

}  // namespace
}  // namespace sparrow
