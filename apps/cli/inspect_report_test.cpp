#include "apps/cli/inspect_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/raw_gguf.h"
#include "tests/support/tiny_model.h"

namespace sparrow::cli {
namespace {

using test_support::RawGguf;
using test_support::tiny_model;

TEST(Inspect, tells_what_a_model_is_and_needs) {
  const std::vector<std::byte> bytes = test_support::tiny_gguf(tiny_model("qwen3moe"));
  const ModelReport report = make_report(*GgufFile::parse(bytes, "tiny.gguf"));
  EXPECT_EQ(report.name, "tiny qwen3moe");
  EXPECT_EQ(report.architecture, "qwen3moe");
  EXPECT_EQ(report.problem, "");
  EXPECT_EQ(report.size_bytes, bytes.size());
  ASSERT_TRUE(report.config);
  EXPECT_EQ(report.config->expert_count, 8);
  int64_t values = 0;
  for (const auto& [name, shape] : test_support::tiny_tensors(tiny_model("qwen3moe")))
    values += shape.count();
  EXPECT_EQ(report.parameter_count, values);
  EXPECT_EQ(report.bits_per_weight(), 32);
  ASSERT_EQ(report.types.size(), 1u);
  EXPECT_EQ(report.types[0].type, "F32");
  ASSERT_TRUE(report.tokenizer);
  EXPECT_EQ(report.tokenizer->pre_tokenizer, "qwen2");
  EXPECT_EQ(report.tokenizer->token_count, test_support::kTinyVocabulary);
  EXPECT_EQ(report.tokenizer->special_tokens.at(1).text, "<|im_end|>");
  ASSERT_EQ(report.templates.size(), 1u);
  EXPECT_FALSE(report.templates[0].has_tools);
  ASSERT_TRUE(report.memory);
  EXPECT_EQ(report.memory->default_context, 512);
  EXPECT_EQ(report.memory->weight_bytes, values * 4);
  EXPECT_EQ(report.memory->caches.at(0).bytes_at_default,
            512 * kv_bytes_per_token(*report.config, KvType::f16));
}

TEST(Inspect, the_default_context_is_at_most_32768) {
  test_support::TinyModel model = tiny_model("qwen3");
  model.context_length = 262144;
  const std::vector<std::byte> bytes = test_support::tiny_gguf(model);
  const ModelReport report = make_report(*GgufFile::parse(bytes, "tiny.gguf"));
  EXPECT_EQ(report.memory->default_context, 32768);
  EXPECT_EQ(report.memory->caches.at(0).bytes_at_longest,
            8 * report.memory->caches.at(0).bytes_at_default);
}

TEST(Inspect, what_cannot_run_is_shown_with_the_reason) {
  const RawGguf other = RawGguf(0, 1).key("general.architecture", 8).text("mamba");
  const ModelReport report = make_report(*GgufFile::parse(other.data(), "other"));
  EXPECT_EQ(report.architecture, "mamba");
  EXPECT_FALSE(report.config);
  EXPECT_THAT(report.problem, testing::StartsWith("architecture 'mamba' is not supported"));
  EXPECT_EQ(to_json(report)["memory"], nullptr);

  RawGguf unread(1, 1);
  unread.key("general.architecture", 8)
      .text("llama")
      .tensor("t", {256}, 16, 0)
      .pad_to(32)
      .zeros(66);
  EXPECT_THAT(make_report(*GgufFile::parse(unread.data(), "other")).problem,
              testing::StartsWith("tensors of type IQ2_XXS are not read; these are: F32"));
}

TEST(Inspect, the_json_has_every_key_and_tensor_and_survives_any_bytes) {
  RawGguf raw(1, 4);
  raw.key("a.text", 8).text("\xff").key("a.number", 6).u32(0x7fc00000).array("a.list", 5, 0);
  raw.key("a.flag", 7).u8(1).tensor("t", {3, 2}, 0, 0).pad_to(32).zeros(24);
  const auto file = GgufFile::parse(raw.data(), "raw");
  const Json metadata = metadata_to_json(file->metadata());
  EXPECT_EQ(metadata["a.number"], nullptr);  // JSON has no NaN
  EXPECT_EQ(metadata["a.flag"], true);
  EXPECT_EQ(metadata["a.list"].dump(), R"({"array_of":"int32","count":0})");
  EXPECT_EQ(metadata.dump(-1, ' ', false, Json::error_handler_t::replace).substr(0, 16),
            "{\"a.text\":\"\xef\xbf\xbd\",");
  EXPECT_EQ(tensors_to_json(*file).dump(),
            R"([{"name":"t","type":"F32","shape":[3,2],"size_bytes":24}])");
}

}  // namespace
}  // namespace sparrow::cli
