#include "model/rope_scaling.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "model/rope.h"

namespace sparrow {
namespace {

using testing::HasSubstr;

std::string refusal_of(std::string_view text) {
  try {
    parse_rope_scaling(text);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::invalid_argument) << text;
    return error.what();
  }
  return "taken";
}

TEST(RopeScaling, is_read_from_words_and_from_hugging_faces_json) {
  EXPECT_EQ(parse_rope_scaling("none"), RopeScaling{});
  const RopeScaling yarn = {
      .type = RopeScalingType::yarn, .factor = 4, .original_context_length = 32768};
  EXPECT_EQ(parse_rope_scaling("yarn:4:32768"), yarn);
  EXPECT_EQ(parse_rope_scaling(R"({"rope_type": "yarn", "factor": 4.0,
                                   "original_max_position_embeddings": 32768})"),
            yarn);
  EXPECT_EQ(parse_rope_scaling(R"({"type": "linear", "factor": 2})"),
            parse_rope_scaling("linear:2"));
}

TEST(RopeScaling, text_is_read_back) {
  for (const std::string_view text :
       {"none", "linear:2.5", "yarn:4:1000", R"({"rope_type": "llama3", "factor": 8,
        "low_freq_factor": 1.5, "high_freq_factor": 4, "original_max_position_embeddings": 8192})"}) {
    const RopeScaling scaling = parse_rope_scaling(text);
    EXPECT_EQ(parse_rope_scaling(to_string(scaling)), scaling) << text;
  }
}

TEST(RopeScaling, refusals_name_the_value_and_what_would_be_right) {
  EXPECT_THAT(refusal_of("ntk"), HasSubstr("none, linear, yarn or llama3, got 'ntk'"));
  EXPECT_THAT(refusal_of("yarn:x"),
              HasSubstr("the factor of a RoPE scaling must be a number, got 'x'"));
  EXPECT_THAT(refusal_of("yarn:0.5"), HasSubstr("in [1, 1024], got 0.5"));
  EXPECT_THAT(refusal_of("yarn:nan"), HasSubstr("in [1, 1024], got nan"));
  EXPECT_THAT(refusal_of("none:2"), HasSubstr("1 where the type is none"));
  EXPECT_THAT(refusal_of("yarn:2:99999999"), HasSubstr("in [0, 16777216]"));
  EXPECT_THAT(refusal_of(R"({"rope_type": "yarn", "beta_fast": 1})"), HasSubstr("above beta_slow"));
  EXPECT_THAT(refusal_of(R"({"rope_type": "yarn", "factor": "4"})"),
              HasSubstr("factor of a RoPE scaling must be a number, got string"));
  EXPECT_THAT(refusal_of(R"({"rope_type": "yarn", "mscale": 1})"), HasSubstr("not 'mscale'"));
  EXPECT_THAT(refusal_of("{"), HasSubstr("the RoPE scaling"));
}

TEST(RopeScaling, stretches_the_context_of_a_model) {
  ModelConfig config;
  config.context_length = 262144;
  EXPECT_EQ(with_rope_scaling(config, parse_rope_scaling("yarn:4")).context_length, 1048576);
  EXPECT_EQ(with_rope_scaling(config, parse_rope_scaling("yarn:4:32768")).context_length, 262144);
  EXPECT_EQ(with_rope_scaling(config, {}).context_length, 262144);
  EXPECT_THROW(with_rope_scaling(config, parse_rope_scaling("yarn:100")), Error);
}

// Llama 3.1's numbers as transformers 5.24 computes them (ROPE_INIT_FUNCTIONS["llama3"], head size
// 128, base 500,000, factor 8, 1 and 4 turns, 8,192).
TEST(RopeScaling, llama3_frequencies_are_transformers) {
  ModelConfig config;
  config.rope_base = 500000;
  config.rope_size = 128;
  config.context_length = 131072;
  const ModelConfig scaled = with_rope_scaling(
      config, {.type = RopeScalingType::llama3, .factor = 8, .original_context_length = 8192});
  const std::vector<float> f = make_rope(scaled, {}).frequencies;
  const std::pair<size_t, float> expected[] = {{0, 1.0f},
                                               {20, 0.0165604409f},
                                               {28, 0.00321144611f},
                                               {29, 0.00216657063f},
                                               {30, 0.00137189368f},
                                               {31, 0.00085675146f},
                                               {33, 0.00031269365f},
                                               {34, 0.000178507791f},
                                               {35, 9.55621217e-05f},
                                               {36, 7.78465546e-05f},
                                               {50, 4.41153452e-06f},
                                               {63, 3.06892588e-07f}};
  for (const auto& [channel, value] : expected) EXPECT_NEAR(f[channel] / value, 1, 2e-6) << channel;
}

}  // namespace
}  // namespace sparrow
