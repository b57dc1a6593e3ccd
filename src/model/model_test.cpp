// Whole networks, tiny and random: against Hugging Face's numbers (tests/golden/model), and what
// broken ones get.
#include "model/model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <limits>
#include <numeric>
#include <sstream>

#include "base/json.h"
#include "sparrow/error.h"
#include "tests/support/loaded_model.h"
#include "tests/support/tiny_model.h"

namespace sparrow {
namespace {

using test_support::tiny_model;
using test_support::TinyModel;
using testing::HasSubstr;
using Floats = std::vector<float>;

using Loaded = test_support::LoadedModel;

std::vector<int32_t> some_ids(int64_t count) {
  std::vector<int32_t> ids;
  for (int64_t i = 0; i < count; ++i)
    ids.push_back(static_cast<int32_t>((i * i * 31 + i * 7 + 3) % test_support::kTinyVocabulary));
  return ids;
}

constexpr const char* kArchitectures[] = {"llama", "qwen2", "qwen3", "qwen3moe"};

TinyModel model_of(const Json& c) {
  TinyModel model = tiny_model(c.at("architecture").get<std::string>());
  model.head_count = c.value("head_count", model.head_count);
  model.kv_head_count = c.value("kv_head_count", model.kv_head_count);
  model.head_size = c.value("head_size", model.head_size);
  model.is_tied = c.value("is_tied", model.is_tied);
  model.has_attention_bias = c.value("has_attention_bias", model.has_attention_bias);
  model.rope_base = c.value("rope_base", model.rope_base);
  model.rope_scaling = c.value("rope_scaling", model.rope_scaling);
  model.rope_scaling_factor = c.value("rope_scaling_factor", model.rope_scaling_factor);
  model.rope_original_context = c.value("rope_original_context", model.rope_original_context);
  model.rope_divisors = c.value("rope_divisors", model.rope_divisors);
  return model;
}

// The largest difference of some rows from the golden ones, relative to the largest number there.
double largest_error(const Floats& got, const Json& rows, const Json& expected_rows) {
  double worst = 0;
  double largest = 0;
  for (size_t i = 0; i < rows.size(); ++i) {
    const Floats expected = expected_rows.at(i).get<Floats>();
    for (size_t j = 0; j < expected.size(); ++j) {
      const float value = got.at(rows.at(i).get<size_t>() * expected.size() + j);
      if (!std::isfinite(value)) return std::numeric_limits<double>::infinity();
      worst = std::max(worst, static_cast<double>(std::abs(value - expected[j])));
      largest = std::max(largest, static_cast<double>(std::abs(expected[j])));
    }
  }
  return worst / largest;
}

// Logits and final hidden states. The bound: f32 sums of 64 to 96 products in another order.
TEST(Models, follow_hugging_face) {
  std::ifstream file(std::string(SPARROW_SOURCE_DIR) + "/tests/golden/model/tiny_logits.json");
  std::stringstream text;
  text << file.rdbuf();
  const Json golden = parse_json(text.str(), "tiny_logits.json");
  ASSERT_GE(golden.at("cases").size(), 10u);
  for (const Json& c : golden.at("cases")) {
    const std::vector<int32_t> ids = c.at("ids").get<std::vector<int32_t>>();
    Loaded loaded(test_support::tiny_gguf(model_of(c)));
    const Json& rows = c.at("rows");
    ASSERT_EQ(c.at("logits").at(0).size(), static_cast<size_t>(test_support::kTinyVocabulary));
    EXPECT_LE(largest_error(loaded.run(ids, 512), rows, c.at("logits")), 1e-5) << c.at("name");
    EXPECT_LE(largest_error(loaded.run_hidden(ids, 512), rows, c.at("hidden")), 1e-5)
        << c.at("name");
  }
}

TEST(Models, a_final_hidden_state_times_the_output_matrix_is_that_rows_logits) {
  for (const char* architecture : kArchitectures) {
    TinyModel tiny = tiny_model(architecture);
    tiny.is_tied = false;
    Loaded loaded(test_support::tiny_gguf(tiny));
    const std::vector<int32_t> ids = some_ids(9);
    const Floats logits = loaded.run(ids, 9);
    const Floats hidden = loaded.run_hidden(ids, 9);
    const size_t size = static_cast<size_t>(tiny.hidden_size);
    const size_t vocabulary = static_cast<size_t>(test_support::kTinyVocabulary);
    const Floats matrix =
        test_support::tiny_weights("output.weight", static_cast<int64_t>(size * vocabulary));
    ASSERT_EQ(hidden.size(), ids.size() * size);
    for (size_t row = 0; row < ids.size(); ++row) {
      for (size_t token = 0; token < vocabulary; ++token) {
        double dot = 0;
        for (size_t i = 0; i < size; ++i)
          dot += double{hidden[row * size + i]} * double{matrix[token * size + i]};
        EXPECT_NEAR(logits[row * vocabulary + token], dot, 1e-5);
      }
    }
  }
}

TEST(Models, a_step_may_want_nothing) {
  Loaded loaded(test_support::tiny_gguf(tiny_model("qwen2")));
  const std::vector<int32_t> ids = {1, 2};
  const std::vector<int32_t> positions = {0, 1};
  const std::vector<BlockId> blocks = {0};
  const std::vector<BatchSequence> sequences = {{0, 2, 0, blocks}};
  const StepOutput output =
      loaded.model().forward({ids, positions, sequences, {}}, loaded.kv(), loaded.workspace());
  EXPECT_TRUE(output.logits.values.empty());
  EXPECT_TRUE(output.hidden.values.empty());
}

std::string refusal(const GgufWriter& writer) {
  try {
    const std::vector<std::byte> bytes = writer.to_bytes();
    const std::unique_ptr<Backend> backend = make_cpu_backend({.thread_count = 1});
    load_model(GgufFile::parse(bytes, "tiny"), *backend);
    return "";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::invalid_file);
    return error.what();
  }
}

TEST(Models, each_missing_or_misshaped_tensor_is_named_with_what_is_right) {
  for (const char* architecture : kArchitectures) {
    const TinyModel model = tiny_model(architecture);
    const std::map<std::string, Shape> tensors = test_support::tiny_tensors(model);
    for (const auto& [victim, right] : tensors) {
      for (const bool is_missing : {true, false}) {
        GgufWriter writer = test_support::tiny_writer(model);
        for (const auto& [name, shape] : tensors) {
          Shape written = shape;
          if (name == victim && is_missing) continue;
          if (name == victim) ++written.dims[0];
          writer.add_tensor_f32(name, written, test_support::tiny_weights(name, written.count()));
        }
        const std::string message = refusal(writer);
        EXPECT_THAT(message, HasSubstr("'" + victim + "'"));
        EXPECT_THAT(message,
                    HasSubstr(is_missing && victim == "token_embd.weight" ? "is missing"
                                                                          : to_string(right)));
      }
    }
  }
}

TEST(Models, weights_that_are_not_numbers_end_in_logits_all_the_same) {
  for (const char* architecture : kArchitectures) {
    for (const float bad :
         {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(), 0.0f,
          std::numeric_limits<float>::denorm_min(), std::numeric_limits<float>::max()}) {
      const TinyModel model = tiny_model(architecture);
      GgufWriter writer = test_support::tiny_writer(model);
      for (const auto& [name, shape] : test_support::tiny_tensors(model))
        writer.add_tensor_f32(name, shape, Floats(static_cast<size_t>(shape.count()), bad));
      Loaded loaded(writer.to_bytes());
      EXPECT_EQ(loaded.run(some_ids(5), 5).size(), 5u * test_support::kTinyVocabulary);
    }
  }
}

TEST(Models, report_progress_and_size) {
  const TinyModel tiny = tiny_model("llama");
  const std::vector<std::byte> bytes = test_support::tiny_gguf(tiny);
  const std::unique_ptr<Backend> backend = make_cpu_backend({.thread_count = 1});
  std::vector<double> shares;
  const std::unique_ptr<Model> model =
      load_model(GgufFile::parse(bytes, "tiny"), *backend,
                 {.on_progress = [&](double share) { shares.push_back(share); }});
  EXPECT_EQ(shares, (std::vector<double>{0.5, 1.0}));
  int64_t values = 0;
  for (const auto& [name, shape] : test_support::tiny_tensors(tiny)) values += shape.count();
  EXPECT_EQ(model->weight_bytes(), values * 4);  // the tied matrix once
}

TEST(Models, a_workspace_beyond_memory_is_refused_with_the_numbers) {
  Loaded loaded(test_support::tiny_gguf(tiny_model("qwen2")));
  const WorkspaceLimits limits = {.max_rows = 1 << 20, .max_logit_rows = 1 << 20};
  EXPECT_GT(workspace_bytes(loaded.model().config(), limits), int64_t{1} << 30);
  const WorkspaceLimits small = {.max_rows = 1, .max_logit_rows = 1};
  EXPECT_LT(workspace_bytes(loaded.model().config(), small), 1 << 16);
}

}  // namespace
}  // namespace sparrow
