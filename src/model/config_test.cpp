// Hyperparameters that lie are refused by name before anything is allocated (they are loop bounds
// and divisors later); each at its limit and one beyond.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>

#include "model/model.h"
#include "sparrow/error.h"
#include "tests/support/tiny_model.h"

namespace sparrow {
namespace {

using test_support::tiny_model;
using test_support::TinyModel;
using testing::HasSubstr;

// What reading the configuration says; empty if it is taken.
std::string refusal(const std::vector<std::byte>& bytes) {
  try {
    read_model_config(*GgufFile::parse(bytes, "tiny"));
    return "";
  } catch (const Error& error) {
    EXPECT_TRUE(error.code() == ErrorCode::invalid_file || error.code() == ErrorCode::unsupported);
    return error.what();
  }
}

std::string refusal_after(const std::function<void(TinyModel&)>& change,
                          std::string_view architecture = "qwen2") {
  TinyModel model = tiny_model(architecture);
  change(model);
  GgufWriter writer = test_support::tiny_writer(model);
  const std::vector<float> row(64 * test_support::kTinyVocabulary);
  writer.add_tensor_f32("token_embd.weight", {{64, test_support::kTinyVocabulary, 1, 1}, 2}, row);
  return refusal(writer.to_bytes());
}

TEST(ModelConfig, reads_what_the_file_says) {
  TinyModel model = tiny_model("qwen3");
  model.rope_scaling = "yarn";
  model.rope_scaling_factor = 4;
  model.rope_original_context = 128;
  const std::vector<std::byte> bytes = test_support::tiny_gguf(model);
  const ModelConfig config = read_model_config(*GgufFile::parse(bytes, "tiny"));
  EXPECT_EQ(config.architecture, "qwen3");
  EXPECT_EQ(config.layer_count, 2);
  EXPECT_EQ(config.hidden_size, 64);
  EXPECT_EQ(config.head_count, 4);
  EXPECT_EQ(config.kv_head_count, 2);
  EXPECT_EQ(config.head_size, 24);
  EXPECT_EQ(config.q_size(), 96);
  EXPECT_EQ(config.ffn_size, 96);
  EXPECT_EQ(config.vocabulary_size, test_support::kTinyVocabulary);
  EXPECT_EQ(config.context_length, 512);
  EXPECT_EQ(config.rope_size, 24);
  EXPECT_EQ(config.rope_scaling.type, RopeScalingType::yarn);
  EXPECT_FLOAT_EQ(config.rope_scaling.attention_factor, 1.138629f);
  EXPECT_EQ(kv_bytes_per_token(config, KvType::f16), 2 * 2 * 2 * 24 * 2);
}

TEST(ModelConfig, an_unknown_architecture_is_refused_with_those_that_are_known) {
  EXPECT_THAT(refusal_after([](TinyModel& m) { m.architecture = "mamba"; }),
              HasSubstr("architecture 'mamba' is not supported; these are: llama, qwen2, qwen3, "
                        "qwen3moe"));
}

TEST(ModelConfig, counts_beyond_their_range_are_refused_by_name) {
  const auto set = [](int64_t TinyModel::*field, int64_t value) {
    return [=](TinyModel& m) { m.*field = value; };
  };
  const struct {
    int64_t TinyModel::*field;
    const char* name;
    int64_t bad;
  } cases[] = {
      {&TinyModel::layer_count, "qwen2.block_count must be 1 to 512, got 0", 0},
      {&TinyModel::layer_count, "qwen2.block_count must be 1 to 512, got 513", 513},
      {&TinyModel::hidden_size, "qwen2.embedding_length must be 1 to", 0},
      {&TinyModel::head_count, "qwen2.attention.head_count must be 1 to 512, got 0", 0},
      {&TinyModel::head_count, "qwen2.attention.head_count must be 1 to 512, got 514", 514},
      {&TinyModel::kv_head_count, "qwen2.attention.head_count_kv must be 1 to 512, got 0", 0},
      {&TinyModel::kv_head_count, "must be a multiple of qwen2.attention.head_count_kv (3)", 3},
      {&TinyModel::head_size, "qwen2.attention.key_length must be 1 to 1024, got 0", 0},
      {&TinyModel::head_size, "qwen2.attention.key_length must be 1 to 1024, got 1026", 1026},
      {&TinyModel::ffn_size, "qwen2.feed_forward_length must be 1 to", 0},
      {&TinyModel::context_length, "qwen2.context_length must be 1 to 16777216, got 0", 0},
      {&TinyModel::context_length, "qwen2.context_length must be 1 to", (1 << 24) + 1},
  };
  for (const auto& c : cases) EXPECT_THAT(refusal_after(set(c.field, c.bad)), HasSubstr(c.name));
  EXPECT_EQ(refusal_after(set(&TinyModel::layer_count, 512)), "");
  EXPECT_EQ(refusal_after(set(&TinyModel::head_count, 512)), "");
  EXPECT_EQ(refusal_after(set(&TinyModel::head_size, 1024)), "");
  EXPECT_EQ(refusal_after(set(&TinyModel::context_length, 1 << 24)), "");
}

TEST(ModelConfig, epsilon_and_rope_base_are_finite_and_above_zero) {
  for (const float bad : {0.0f, -1.0f, std::numeric_limits<float>::infinity(),
                          std::numeric_limits<float>::quiet_NaN()}) {
    EXPECT_THAT(refusal_after([=](TinyModel& m) { m.rms_norm_epsilon = bad; }),
                HasSubstr("qwen2.attention.layer_norm_rms_epsilon must be finite and above 0"));
    EXPECT_THAT(refusal_after([=](TinyModel& m) { m.rope_base = bad; }),
                HasSubstr("qwen2.rope.freq_base must be finite and above 0"));
  }
  EXPECT_THAT(refusal_after([](TinyModel& m) {
                m.rope_scaling = "linear";
                m.rope_scaling_factor = 0;
              }),
              HasSubstr("qwen2.rope.scaling.factor must be finite and above 0"));
}

TEST(ModelConfig, odd_heads_and_unknown_scalings_are_refused) {
  EXPECT_THAT(refusal_after([](TinyModel& m) { m.head_size = 15; }), HasSubstr("even"));
  EXPECT_THAT(refusal_after([](TinyModel& m) { m.rope_scaling = "longrope"; }),
              HasSubstr("rope.scaling.type 'longrope' is not supported"));
}

TEST(ModelConfig, experts_are_counted) {
  EXPECT_THAT(refusal_after([](TinyModel& m) { m.expert_used_count = 9; }, "qwen3moe"),
              HasSubstr("qwen3moe.expert_used_count must be 1 to 8, got 9"));
  EXPECT_THAT(refusal_after([](TinyModel& m) { m.expert_used_count = 0; }, "qwen3moe"),
              HasSubstr("qwen3moe.expert_used_count must be 1 to 8, got 0"));
  EXPECT_THAT(refusal_after([](TinyModel& m) { m.expert_ffn_size = 0; }, "qwen3moe"),
              HasSubstr("qwen3moe.expert_feed_forward_length must be 1 to"));
  EXPECT_THAT(refusal_after([](TinyModel& m) {
                m.architecture = "llama";
                m.expert_count = 8;
              }),
              HasSubstr("llama.expert_count is 8: experts are supported in qwen3moe only"));
}

TEST(ModelConfig, the_embedding_matrix_must_be_there) {
  EXPECT_THAT(refusal(test_support::tiny_writer(tiny_model("llama")).to_bytes()),
              HasSubstr("tensor 'token_embd.weight' is missing"));
}

TEST(ModelConfig, a_vocabulary_has_at_most_2_to_the_20_rows) {
  const auto with_rows = [](uint64_t rows) {
    TinyModel model = tiny_model("llama");
    GgufWriter writer = test_support::tiny_writer(model);
    const Format& format = *find_format("F16");
    const std::vector<std::byte> data(2 * rows);
    writer.add_tensor("token_embd.weight", format, {{1, static_cast<int64_t>(rows), 1, 1}, 2},
                      data);
    return refusal(writer.to_bytes());
  };
  EXPECT_EQ(with_rows((1 << 20) - 1), "");
  EXPECT_EQ(with_rows(1 << 20), "");
  EXPECT_THAT(with_rows((1 << 20) + 1),
              HasSubstr("token_embd.weight has 1048577 rows; a vocabulary has 1 to 1048576"));
}

TEST(ModelConfig, errors_say_which_file) {
  EXPECT_THAT(refusal_after([](TinyModel& m) { m.layer_count = 0; }),
              testing::StartsWith("tiny: qwen2.block_count"));
}

TEST(ModelConfig, a_sliding_window_limits_the_context) {
  TinyModel model = tiny_model("llama");
  GgufWriter writer = test_support::tiny_writer(model);
  writer.add_uint32("llama.attention.sliding_window", 100);
  const std::vector<float> row(64 * test_support::kTinyVocabulary);
  writer.add_tensor_f32("token_embd.weight", {{64, test_support::kTinyVocabulary, 1, 1}, 2}, row);
  const std::vector<std::byte> bytes = writer.to_bytes();
  EXPECT_EQ(read_model_config(*GgufFile::parse(bytes, "tiny")).context_length, 100);
}

}  // namespace
}  // namespace sparrow
