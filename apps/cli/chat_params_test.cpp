#include "apps/cli/chat_params.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sampling/params_json.h"
#include "sparrow/error.h"

namespace sparrow::cli {
namespace {

using testing::ElementsAre;

GgufEntry text(std::string_view key, std::string_view value) {
  return {key, GgufType::string, value};
}
GgufEntry real(std::string_view key, float value) {
  return {key, GgufType::float32, static_cast<double>(value)};
}
GgufEntry integer(std::string_view key, int64_t value) { return {key, GgufType::int32, value}; }

const CatalogEntry& qwen() { return *find_in_catalog("qwen2.5-coder:1.5b"); }

StoredModel stored(const CatalogEntry& entry) {
  StoredModel model;
  model.model_path = "/models/blobs/sha256-" + entry.sha256;
  model.params = entry.sampling;
  return model;
}

TEST(ChatParams, a_file_nobody_knows_has_the_general_values) {
  StoredModel model;
  model.model_path = "/somewhere/a.gguf";
  const SamplingParams params = model_params(model, Metadata());
  EXPECT_EQ(sampling_json(params), sampling_json(SamplingParams{}));
}

TEST(ChatParams, a_catalog_model_has_the_catalog_s_values) {
  const SamplingParams params = model_params(stored(qwen()), Metadata());
  EXPECT_EQ(params.temperature, 0.7);
  EXPECT_EQ(params.top_p, 0.8);
  EXPECT_EQ(params.top_k, 20);
  EXPECT_EQ(params.min_p, 0);
}

TEST(ChatParams, a_file_from_elsewhere_is_known_by_its_name) {
  StoredModel model;
  model.model_path = "/somewhere/Qwen3-4B-Instruct-2507-IQ4_XS.gguf";
  const Metadata metadata({text("general.name", "Qwen3-4B-Instruct-2507")});
  ASSERT_NE(find_catalog_entry(model, metadata), nullptr);
  EXPECT_EQ(model_params(model, metadata).top_k, 20);
}

TEST(ChatParams, the_file_s_values_stand_over_the_catalog_s) {
  const Metadata metadata({real("general.sampling.temp", 0.6f),
                           integer("general.sampling.top_k", 33),
                           real("general.sampling.penalty_repeat", 1.05f)});
  const SamplingParams params = model_params(stored(qwen()), metadata);
  EXPECT_EQ(params.temperature, 0.6);  // not 0.60000002384
  EXPECT_EQ(params.top_k, 33);
  EXPECT_EQ(params.repeat_penalty, 1.05);
  EXPECT_EQ(params.top_p, 0.8);
}

TEST(ChatParams, what_somebody_saved_stands_over_the_file_s) {
  StoredModel model = stored(qwen());
  model.params["temperature"] = 0.1;
  model.params["context"] = 2048;
  const Metadata metadata(
      {real("general.sampling.temp", 0.6f), real("general.sampling.top_p", 0.5f)});
  const SamplingParams params = model_params(model, metadata);
  EXPECT_EQ(params.temperature, 0.1);
  EXPECT_EQ(params.top_p, 0.5);
  EXPECT_EQ(saved_context(model), 2048);
}

TEST(ChatParams, a_file_s_wrong_values_are_left_out_and_the_right_ones_count) {
  const Metadata metadata({text("general.sampling.temp", "hot"), real("general.sampling.top_p", 7),
                           integer("general.sampling.top_k", 5)});
  const SamplingParams params = model_params(StoredModel{}, metadata);
  EXPECT_EQ(params.temperature, SamplingParams{}.temperature);
  EXPECT_EQ(params.top_p, SamplingParams{}.top_p);
  EXPECT_EQ(params.top_k, 5);
}

TEST(ChatParams, saved_values_of_the_wrong_kind_are_an_error) {
  StoredModel model;
  model.params = Json{{"temperature", "hot"}};
  EXPECT_THROW(model_params(model, Metadata()), Error);
  model.params = Json{{"context", 0}};
  EXPECT_THROW(saved_context(model), Error);
}

TEST(ChatParams, remembers_what_was_chosen_and_in_which_order) {
  ChatParams params{SamplingParams{}};
  params.set("top_k", std::vector<std::string>{"7"});
  params.set("stop", std::vector<std::string>{"a", "b c"});
  params.set("top_k", std::vector<std::string>{"8"});
  EXPECT_THAT(params.chosen(), ElementsAre("top_k", "stop"));
  EXPECT_EQ(params.chosen_json().dump(), R"({"top_k":8,"stop":["a","b c"]})");
  EXPECT_THROW(params.set("top_p", std::vector<std::string>{"1.7"}), Error);
  EXPECT_THROW(params.set("nothing", std::vector<std::string>{"1"}), Error);
  EXPECT_THAT(params.chosen(), ElementsAre("top_k", "stop"));
}

TEST(ChatParams, a_seed_that_is_drawn_is_not_saved) {
  ChatParams params{SamplingParams{}};
  params.set("seed", std::vector<std::string>{"5"});
  EXPECT_EQ(params.chosen_json().dump(), R"({"seed":5})");
  params.set("seed", std::vector<std::string>{"random"});
  EXPECT_EQ(params.chosen_json().dump(), "{}");
}

TEST(ChatParams, knows_ollama_s_names) {
  EXPECT_EQ(parameter_name("num_predict"), "max_tokens");
  EXPECT_EQ(parameter_name("repeat_last_n"), "penalty_window");
  EXPECT_EQ(parameter_name("num_ctx"), "context");
  EXPECT_EQ(parameter_name("top_k"), "top_k");
}

}  // namespace
}  // namespace sparrow::cli
