#include "engine/sampling_defaults.h"

#include <gtest/gtest.h>

#include "gguf/gguf_file.h"
#include "gguf/writer.h"
#include "sparrow/error.h"

namespace sparrow {
namespace {

SamplingParams defaults_of(const GgufWriter& writer, const Json& catalog = Json::object()) {
  const std::vector<std::byte> bytes = writer.to_bytes();
  return default_sampling(GgufFile::parse(bytes, "test")->metadata(), catalog);
}

TEST(SamplingDefaults, are_the_general_ones_where_nobody_knows_better) {
  const SamplingParams params = defaults_of(GgufWriter());
  EXPECT_EQ(params.temperature, 0.8);
  EXPECT_EQ(params.top_k, 40);
}

TEST(SamplingDefaults, the_file_comes_before_the_catalog_field_by_field) {
  GgufWriter writer;
  writer.add_float32("general.sampling.temp", 0.6f);
  writer.add_int32("general.sampling.top_k", 20);
  writer.add_float32("general.sampling.penalty_repeat", 1.05f);
  writer.add_int32("general.sampling.penalty_last_n", -1);
  const Json catalog = {{"temperature", 0.7}, {"top_p", 0.8}, {"min_p", 0}};
  const SamplingParams params = defaults_of(writer, catalog);
  EXPECT_EQ(params.temperature, 0.6);
  EXPECT_EQ(params.top_k, 20);
  EXPECT_EQ(params.top_p, 0.8);
  EXPECT_EQ(params.min_p, 0);
  EXPECT_EQ(params.repeat_penalty, 1.05);
  EXPECT_EQ(params.penalty_window, -1);
}

TEST(SamplingDefaults, bad_advice_in_a_file_is_left_out_and_the_rest_counts) {
  GgufWriter writer;
  writer.add_float32("general.sampling.temp", std::numeric_limits<float>::quiet_NaN());
  writer.add_float32("general.sampling.top_p", 7.0f);
  writer.add_string("general.sampling.min_p", "little");
  writer.add_int32("general.sampling.mirostat", 9);
  writer.add_int32("general.sampling.top_k", -1);
  writer.add_float32("general.sampling.xtc_threshold", 0.2f);
  const SamplingParams params = defaults_of(writer);
  EXPECT_EQ(params.temperature, 0.8);
  EXPECT_EQ(params.top_p, 0.95);
  EXPECT_EQ(params.min_p, 0.05);
  EXPECT_EQ(params.mirostat, 0);
  EXPECT_EQ(params.top_k, 0);
  EXPECT_EQ(params.xtc_threshold, 0.2);
}

TEST(SamplingDefaults, a_wrong_catalog_is_an_error) {
  EXPECT_THROW(defaults_of(GgufWriter(), {{"top_q", 1}}), Error);
}

}  // namespace
}  // namespace sparrow
