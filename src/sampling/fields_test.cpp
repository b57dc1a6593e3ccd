#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "sparrow/error.h"
#include "sparrow/sampling_params.h"

namespace sparrow {
namespace {

using testing::HasSubstr;
using Values = std::vector<std::string>;

std::string refusal(const SamplingParams& params) {
  try {
    validate(params);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::invalid_argument);
    return error.what();
  }
  return "accepted";
}

std::string set(SamplingParams& params, std::string_view name, const Values& values) {
  try {
    set_sampling_field(params, name, values);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::invalid_argument);
    return error.what();
  }
  return "set";
}

TEST(SamplingFields, defaults_are_valid_and_every_name_is_found_once) {
  EXPECT_EQ(refusal({}), "accepted");
  EXPECT_EQ(sampling_fields().size(), 32u);
  for (const SamplingField& field : sampling_fields())
    EXPECT_EQ(find_sampling_field(field.name), &field);
  EXPECT_EQ(find_sampling_field("top-p"), nullptr);
}

TEST(SamplingFields, a_value_outside_its_range_is_named_with_the_range) {
  SamplingParams params;
  params.top_p = 1.7;
  EXPECT_EQ(refusal(params), "top_p must be in (0, 1], got 1.7");
  params.top_p = 0;
  EXPECT_EQ(refusal(params), "top_p must be in (0, 1], got 0");
  params = {};
  params.temperature = -0.1;
  EXPECT_EQ(refusal(params), "temperature must be in [0, 100], got -0.1");
  params = {};
  params.top_k = -1;
  EXPECT_EQ(refusal(params), "top_k must be at least 0, got -1");
  params = {};
  params.seed = std::numeric_limits<int64_t>::max();
  EXPECT_EQ(refusal(params), "accepted");
  params.seed = std::numeric_limits<int64_t>::min();
  EXPECT_EQ(refusal(params), "seed must be at least -1, or random, got -9223372036854775808");
}

// Each number at its bounds, just outside them, and not a number.
TEST(SamplingFields, bounds_hold_for_every_number_and_nothing_infinite_passes) {
  for (const SamplingField& field : sampling_fields()) {
    const auto* real = std::get_if<double SamplingParams::*>(&field.member);
    const auto* integer = std::get_if<int64_t SamplingParams::*>(&field.member);
    const auto accepts = [&](double value) {
      SamplingParams params;
      if (real != nullptr) params.** real = value;
      if (integer != nullptr) params.** integer = static_cast<int64_t>(value);
      return refusal(params) == "accepted" || field.name == "mirostat" ||
             field.name == "min_tokens";
    };
    if (real != nullptr) {
      EXPECT_EQ(accepts(field.minimum), !field.minimum_open) << field.name;
      EXPECT_TRUE(accepts(field.maximum)) << field.name;
      EXPECT_FALSE(accepts(std::nextafter(field.minimum, -1e9))) << field.name;
      EXPECT_FALSE(accepts(std::nextafter(field.maximum, 1e9))) << field.name;
      for (const double bad :
           {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity(),
            -std::numeric_limits<double>::infinity()})
        EXPECT_FALSE(accepts(bad)) << field.name;
    } else if (integer != nullptr) {
      EXPECT_TRUE(accepts(field.minimum)) << field.name;
      EXPECT_TRUE(accepts(field.maximum)) << field.name;
      SamplingParams params;
      params.** integer = static_cast<int64_t>(field.minimum) - 1;
      EXPECT_THAT(refusal(params), HasSubstr(std::string(field.name))) << field.name;
      params.** integer = static_cast<int64_t>(field.maximum) + 1;
      EXPECT_THAT(refusal(params), HasSubstr(std::string(field.name))) << field.name;
    }
  }
}

TEST(SamplingFields, lists_have_their_limits) {
  SamplingParams params;
  params.stop.assign(16, std::string(256, 'x'));
  EXPECT_EQ(refusal(params), "accepted");
  params.stop.assign(1000, "x");
  EXPECT_THAT(refusal(params), HasSubstr("stop must be at most 16 texts of 1 to 256 bytes, got"));
  params.stop = {std::string(257, 'x')};
  EXPECT_THAT(refusal(params), HasSubstr("(261 bytes)"));
  params.stop = {""};
  EXPECT_THAT(refusal(params), HasSubstr("got [\"\"]"));
  params = {};
  params.dry_sequence_breakers = {""};
  EXPECT_THAT(refusal(params), HasSubstr("dry_sequence_breakers"));
  params = {};
  params.stop_token_ids = {0, 5};
  params.logit_bias = {{0, -100}, {7, 100}};
  EXPECT_EQ(refusal(params), "accepted");
  params.stop_token_ids = {-3};
  EXPECT_EQ(refusal(params),
            "stop_token_ids must be at most 1024 token ids, each at least 0, got [-3]");
  params = {};
  params.logit_bias = {{-1, 0}};
  EXPECT_THAT(refusal(params), HasSubstr("got [-1=0]"));
  params.logit_bias = {{1, std::numeric_limits<double>::infinity()}};
  EXPECT_THAT(refusal(params), HasSubstr("got [1=inf]"));
  params.logit_bias.clear();
  for (int32_t id = 0; id < 1025; ++id) params.logit_bias[id] = 0;
  EXPECT_THAT(refusal(params), HasSubstr("logit_bias must be at most 1024 pairs"));
}

TEST(SamplingFields, contradictions_are_refused) {
  SamplingParams params;
  params.min_tokens = 5;
  EXPECT_EQ(refusal(params), "accepted");
  params.max_tokens = 4;
  EXPECT_EQ(refusal(params), "min_tokens must be at most max_tokens (4), got 5");
  params = {};
  params.mirostat = 2;
  EXPECT_EQ(refusal(params), "accepted");
  params.temperature = 0;
  EXPECT_EQ(refusal(params),
            "mirostat 2 draws at random: temperature must be above 0 with it, got 0");
}

TEST(SamplingFields, are_set_from_text) {
  SamplingParams params;
  EXPECT_EQ(set(params, "temperature", {"0.25"}), "set");
  EXPECT_EQ(params.temperature, 0.25);
  EXPECT_EQ(set(params, "temperature", {"1e-2"}), "set");
  EXPECT_EQ(params.temperature, 0.01);
  EXPECT_EQ(set(params, "top_k", {"+7"}), "set");
  EXPECT_EQ(params.top_k, 7);
  EXPECT_EQ(set(params, "ignore_eos", {}), "set");
  EXPECT_TRUE(params.ignore_eos);
  EXPECT_EQ(set(params, "ignore_eos", {"no"}), "set");
  EXPECT_FALSE(params.ignore_eos);
  EXPECT_EQ(set(params, "seed", {"42"}), "set");
  EXPECT_EQ(params.seed, 42);
  EXPECT_EQ(set(params, "seed", {"random"}), "set");
  EXPECT_FALSE(params.seed.has_value());
  EXPECT_EQ(set(params, "stop", {"a, b", "\n"}), "set");
  EXPECT_EQ(params.stop, (Values{"a, b", "\n"}));
  EXPECT_EQ(set(params, "stop", {""}), "set");
  EXPECT_TRUE(params.stop.empty());
  EXPECT_EQ(set(params, "stop_token_ids", {"3", "4"}), "set");
  EXPECT_EQ(params.stop_token_ids, (std::vector<int32_t>{3, 4}));
  EXPECT_EQ(set(params, "logit_bias", {"15=-2.5", "3=1"}), "set");
  EXPECT_EQ(params.logit_bias, (std::map<int32_t, double>{{15, -2.5}, {3, 1}}));
}

TEST(SamplingFields, text_that_is_no_value_changes_nothing) {
  SamplingParams params;
  EXPECT_EQ(set(params, "top_p", {"1.7"}), "top_p must be in (0, 1], got 1.7");
  EXPECT_EQ(set(params, "top_p", {"nan"}), "top_p must be in (0, 1], got nan");
  EXPECT_EQ(set(params, "top_p", {"much"}), "top_p must be in (0, 1], got 'much'");
  EXPECT_EQ(set(params, "top_p", {"0.5x"}), "top_p must be in (0, 1], got '0.5x'");
  EXPECT_EQ(set(params, "top_p", {""}), "top_p must be in (0, 1], got ''");
  EXPECT_EQ(set(params, "top_p", {}), "top_p takes one value, got 0");
  EXPECT_EQ(set(params, "top_p", {"0.1", "0.2"}), "top_p takes one value, got 2");
  EXPECT_EQ(set(params, "top_k", {"2.5"}), "top_k must be at least 0, got '2.5'");
  EXPECT_EQ(set(params, "top_k", {"99999999999999999999"}),
            "top_k must be at least 0, got '99999999999999999999'");
  EXPECT_EQ(set(params, "ignore_eos", {"perhaps"}),
            "ignore_eos must be true or false, got 'perhaps'");
  EXPECT_EQ(set(params, "logit_bias", {"15"}),
            "logit_bias takes ID=BIAS, such as 15=-2.5, got '15'");
  EXPECT_THAT(set(params, "stop_token_ids", {"99999999999"}), HasSubstr("got '99999999999'"));
  EXPECT_THAT(
      set(params, "temprature", {"1"}),
      HasSubstr("there is no sampling parameter 'temprature'; there are temperature, top_k"));
  for (const SamplingField& field : sampling_fields())
    EXPECT_EQ(sampling_field_text(params, field), sampling_field_text({}, field));
}

TEST(SamplingFields, are_shown_as_text_that_sets_them_again) {
  SamplingParams params;
  params.temperature = 0.1;
  params.stop = {"\n", "say \"x\""};
  params.stop_token_ids = {1, 2};
  params.logit_bias = {{15, -2.5}, {20, 1}};
  params.ignore_eos = true;
  const auto text = [&](std::string_view name) {
    return sampling_field_text(params, *find_sampling_field(name));
  };
  EXPECT_EQ(text("temperature"), "0.1");
  EXPECT_EQ(text("top_k"), "40");
  EXPECT_EQ(text("ignore_eos"), "true");
  EXPECT_EQ(text("seed"), "random");
  EXPECT_EQ(text("stop"), R"(["\n", "say \"x\""])");
  EXPECT_EQ(text("stop_token_ids"), "[1, 2]");
  EXPECT_EQ(text("logit_bias"), "[15=-2.5, 20=1]");
  params.seed = 0;
  EXPECT_EQ(text("seed"), "0");
}

}  // namespace
}  // namespace sparrow
