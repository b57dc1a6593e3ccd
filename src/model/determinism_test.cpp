// The promise that a position's logits are the same bits however the work is cut: for each
// instruction set, form of the activations and format of the weights, whatever the chunk, the
// threads, the blocks of the cache and the other sequences in the batch.
#include <gtest/gtest.h>

#include <cmath>
#include <numeric>
#include <random>
#include <tuple>

#include "model/lora.h"
#include "tests/support/loaded_model.h"
#include "tests/support/random_blocks.h"
#include "tests/support/runnable_kernels.h"
#include "tests/support/tiny_lora.h"
#include "tests/support/tiny_model.h"

namespace sparrow {
namespace {

using test_support::LoadedModel;
using test_support::TinyModel;
using Floats = std::vector<float>;

std::vector<int32_t> some_ids(int64_t count) {
  std::vector<int32_t> ids;
  for (int64_t i = 0; i < count; ++i)
    ids.push_back(static_cast<int32_t>((i * i * 31 + i * 7 + 3) % test_support::kTinyVocabulary));
  return ids;
}

// All matrices in one format; wide enough for the formats with blocks of 256, not a multiple of the
// panels of a kernel.
TinyModel wide_model(std::string_view architecture) {
  TinyModel model = test_support::tiny_model(architecture);
  model.hidden_size = 256;
  model.head_size = 32;
  model.head_count = 8;
  model.ffn_size = 512;
  if (model.expert_count > 0) model.expert_ffn_size = 256;
  return model;
}

std::vector<std::byte> model_of(std::string_view architecture, const Format& format) {
  const TinyModel model = wide_model(architecture);
  GgufWriter writer = test_support::tiny_writer(model);
  std::mt19937 random(3);
  // Tame blocks take many tries: a few of them, in random order.
  constexpr int64_t kDifferent = 16;
  const std::vector<std::byte> blocks =
      test_support::random_blocks(format, kDifferent, random, 0.5f);
  for (const auto& [name, shape] : test_support::tiny_tensors(model)) {
    if (shape.row_count() > 1 && format.block_values > 1) {
      std::vector<std::byte> bytes;
      for (int64_t i = 0; i < shape.count() / format.block_values; ++i) {
        const std::byte* block = blocks.data() + random() % kDifferent * format.block_bytes;
        bytes.insert(bytes.end(), block, block + format.block_bytes);
      }
      writer.add_tensor(name, format, shape, bytes);
    } else {
      writer.add_tensor_f32(name, shape, test_support::tiny_weights(name, shape.count()));
    }
  }
  return writer.to_bytes();
}

struct Case {
  std::string isa;
  ActivationMode activations;
};

std::vector<Case> cases() {
  std::vector<Case> all;
  for (const kernels::KernelTable* table : runnable_kernels()) {
    all.push_back({table->isa, ActivationMode::f32});
    all.push_back({table->isa, ActivationMode::quantized});
  }
  return all;
}

class Determinism : public testing::TestWithParam<Case> {
 protected:
  LoadedModel load(const std::vector<std::byte>& bytes, int threads, KvType kv_type = KvType::f16,
                   int64_t block_tokens = 16) {
    return LoadedModel(bytes, {.backend = {.thread_count = threads,
                                           .isa = GetParam().isa,
                                           .activations = GetParam().activations},
                               .kv_type = kv_type,
                               .block_tokens = block_tokens});
  }
};

TEST_P(Determinism, chunks_threads_and_block_sizes_change_no_bit) {
  const std::vector<int32_t> ids = some_ids(75);
  for (const char* architecture : {"llama", "qwen2", "qwen3", "qwen3moe"}) {
    const std::vector<std::byte> bytes =
        test_support::tiny_gguf(test_support::tiny_model(architecture));
    for (const KvType kv_type : {KvType::f32, KvType::f16, KvType::bf16}) {
      const Floats expected = load(bytes, 1, kv_type).run(ids, 1);
      for (const int64_t chunk : {3, 32, 75})
        EXPECT_EQ(load(bytes, 2, kv_type, 48).run(ids, chunk), expected) << architecture;
    }
  }
}

TEST_P(Determinism, a_quantized_cache_changes_nothing_of_that) {
  const std::vector<int32_t> ids = some_ids(75);
  test_support::TinyModel model = test_support::tiny_model("qwen3");
  model.head_size = 32;
  const std::vector<std::byte> bytes = test_support::tiny_gguf(model);
  for (const KvType type : {KvType::q8_0, KvType::q4_0}) {
    const Floats expected = load(bytes, 1, type).run(ids, 1);
    EXPECT_NE(expected, load(bytes, 1, KvType::f16).run(ids, 1));
    for (const int64_t chunk : {3, 32, 75})
      EXPECT_EQ(load(bytes, 2, type, 48).run(ids, chunk), expected) << to_string(type);
  }
}

TEST_P(Determinism, the_format_of_the_weights_changes_nothing_of_that) {
  const std::vector<int32_t> ids = some_ids(9);
  for (const Format& format : formats()) {
    if (format.block_values == 1) continue;
    const std::vector<std::byte> bytes = model_of("qwen3", format);
    const Floats expected = load(bytes, 1).run(ids, 1);
    for (const float value : expected) ASSERT_TRUE(std::isfinite(value)) << format.name;
    for (const int64_t chunk : {2, 5, 9})
      EXPECT_EQ(load(bytes, 2).run(ids, chunk), expected) << format.name;
  }
}

TEST_P(Determinism, sequences_in_one_batch_get_what_they_get_alone) {
  for (const char* architecture : {"qwen3", "qwen3moe"}) {
    LoadedModel loaded = load(model_of(architecture, *find_format("Q4_K")), 2);
    const std::vector<int32_t> first = some_ids(34);
    const std::vector<int32_t> second(first.rbegin(), first.rbegin() + 17);
    const Floats alone_first = loaded.run(first, 64);
    const Floats alone_second = loaded.run(second, 64);

    // The first is decoding its last token, the second is being read.
    loaded.run(std::span(first).first(33), 64, 0);
    std::vector<int32_t> ids = {first.back()};
    ids.insert(ids.end(), second.begin(), second.end());
    std::vector<int32_t> positions = {33};
    for (int32_t i = 0; i < 17; ++i) positions.push_back(i);
    const std::vector<BlockId> first_blocks = {0, 1, 2};
    const std::vector<BlockId> second_blocks = {9, 5};
    const std::vector<BatchSequence> sequences = {{0, 1, 33, first_blocks},
                                                  {1, 17, 0, second_blocks}};
    const std::vector<int64_t> logit_rows = {0, 17};
    const Logits logits =
        loaded.model()
            .forward({ids, positions, sequences, logit_rows}, loaded.kv(), loaded.workspace())
            .logits;
    ASSERT_EQ(static_cast<int64_t>(logits.values.size()), 2 * test_support::kTinyVocabulary);
    const auto last_row = [](const Floats& all) {
      return Floats(all.end() - test_support::kTinyVocabulary, all.end());
    };
    EXPECT_EQ(Floats(logits.row(0).begin(), logits.row(0).end()), last_row(alone_first));
    EXPECT_EQ(Floats(logits.row(1).begin(), logits.row(1).end()), last_row(alone_second));
  }
}

TEST_P(Determinism, hidden_states_are_the_same_whatever_else_is_wanted) {
  for (const char* architecture : {"llama", "qwen2", "qwen3", "qwen3moe"}) {
    LoadedModel loaded = load(model_of(architecture, *find_format("Q4_K")), 2);
    const std::vector<int32_t> ids = some_ids(21);
    const Floats logits = loaded.run(ids, 1);
    const Floats hidden = loaded.run_hidden(ids, 1);
    EXPECT_EQ(loaded.run_hidden(ids, 8), hidden) << architecture;

    std::vector<int32_t> positions(ids.size());
    std::iota(positions.begin(), positions.end(), 0);
    const std::vector<BlockId> blocks = {3, 1};
    const std::vector<BatchSequence> sequences = {{0, 21, 0, blocks}};
    const std::vector<int64_t> logit_rows = {4, 11, 20};
    const std::vector<int64_t> hidden_rows = {0, 11, 12};
    const StepOutput output = loaded.model().forward(
        {ids, positions, sequences, logit_rows, hidden_rows}, loaded.kv(), loaded.workspace());
    const auto row_of = [](const Floats& all, int64_t row) {
      const int64_t columns = static_cast<int64_t>(all.size()) / 21;
      return Floats(all.begin() + row * columns, all.begin() + (row + 1) * columns);
    };
    for (int64_t i = 0; i < 3; ++i) {
      const std::span<const float> got = output.hidden.row(i);
      EXPECT_EQ(Floats(got.begin(), got.end()),
                row_of(hidden, hidden_rows[static_cast<size_t>(i)]));
      const std::span<const float> got_logits = output.logits.row(i);
      EXPECT_EQ(Floats(got_logits.begin(), got_logits.end()),
                row_of(logits, logit_rows[static_cast<size_t>(i)]));
    }
  }
}

// Sequences of several adapters, scales and none in one batch, one of them decoding, against each
// alone, token by token.
TEST_P(Determinism, adapters_side_by_side_give_each_sequence_what_it_has_alone) {
  for (const char* architecture : {"qwen2", "qwen3moe"}) {
    LoadedModel loaded = load(model_of(architecture, *find_format("Q4_K")), 2);
    const auto load_adapter = [&](const char* seed) {
      const std::vector<std::byte> bytes =
          test_support::tiny_lora_gguf(wide_model(architecture), {.seed = seed});
      return load_lora(*GgufFile::parse(bytes, seed), loaded.model(), loaded.backend());
    };
    const auto a = load_adapter("a");
    const auto b = load_adapter("b");
    const std::vector<SequenceAdapter> adapters = {
        {a.get(), 1}, {}, {b.get(), 1}, {b.get(), 1}, {b.get(), 0.5f}};
    const std::vector<int32_t> text = some_ids(40);
    constexpr int64_t kLength = 5;

    std::vector<int32_t> ids;
    std::vector<int32_t> positions;
    std::vector<std::vector<BlockId>> blocks;
    std::vector<BatchSequence> sequences;
    std::vector<int64_t> logit_rows;
    std::vector<int64_t> hidden_rows;
    std::vector<Floats> logits;
    std::vector<Floats> hidden;
    for (size_t i = 0; i < adapters.size(); ++i) {
      const std::span<const int32_t> own = std::span(text).subspan(i, kLength);
      logits.push_back(loaded.run(own, 1, 0, adapters[i]));
      hidden.push_back(loaded.run_hidden(own, 1, adapters[i]));
      EXPECT_EQ(loaded.run(own, kLength, 0, adapters[i]), logits.back()) << architecture;
      blocks.push_back({static_cast<BlockId>(i + 1)});
    }
    EXPECT_EQ(logits[1], loaded.run(std::span(text).subspan(1, kLength), kLength));
    for (const size_t other : {0, 2}) EXPECT_NE(logits[other], logits[1]);
    for (size_t i = 0; i < adapters.size(); ++i) {
      const std::span<const int32_t> own = std::span(text).subspan(i, kLength);
      const int64_t done = i == 2 ? kLength - 1 : 0;
      if (done > 0) loaded.run(own.first(done), done, blocks[i][0], adapters[i]);
      const int64_t first_row = static_cast<int64_t>(ids.size());
      sequences.push_back({first_row, kLength - done, done, blocks[i]});
      for (int64_t position = done; position < kLength; ++position) {
        ids.push_back(own[static_cast<size_t>(position)]);
        positions.push_back(static_cast<int32_t>(position));
      }
      if (i != 3) logit_rows.push_back(static_cast<int64_t>(ids.size()) - 1);
      if (i != 1) hidden_rows.push_back(first_row);
    }
    const StepOutput output =
        loaded.model().forward({ids, positions, sequences, logit_rows, hidden_rows, adapters},
                               loaded.kv(), loaded.workspace());
    const auto row_of = [](const Floats& all, int64_t row) {
      const int64_t columns = static_cast<int64_t>(all.size()) / kLength;
      return Floats(all.begin() + row * columns, all.begin() + (row + 1) * columns);
    };
    int64_t logit_row = 0;
    int64_t hidden_row = 0;
    for (size_t i = 0; i < adapters.size(); ++i) {
      if (i != 3) {
        const std::span<const float> got = output.logits.row(logit_row++);
        EXPECT_EQ(Floats(got.begin(), got.end()), row_of(logits[i], kLength - 1))
            << architecture << i;
      }
      if (i != 1) {
        const std::span<const float> got = output.hidden.row(hidden_row++);
        EXPECT_EQ(Floats(got.begin(), got.end()), row_of(hidden[i], i == 2 ? kLength - 1 : 0))
            << architecture << i;
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(, Determinism, testing::ValuesIn(cases()), [](const auto& info) {
  return info.param.isa + (info.param.activations == ActivationMode::f32 ? "_f32" : "_quantized");
});

// Not a bound of quality (docs/performance.md has those, on real models): it shows that the two
// forms compute the same thing.
TEST(Models, quantized_activations_stay_near_the_reference) {
  const std::vector<int32_t> ids = some_ids(20);
  for (const char* name : {"Q4_0", "Q5_1", "Q8_0", "Q3_K", "Q4_K", "Q6_K"}) {
    const std::vector<std::byte> bytes = model_of("qwen3", *find_format(name));
    const Floats expected = LoadedModel(bytes).run(ids, 20);
    LoadedModel::Options options;
    options.backend.activations = ActivationMode::quantized;
    const Floats found = LoadedModel(bytes, options).run(ids, 20);
    double difference = 0;
    double size = 0;
    for (size_t i = 0; i < expected.size(); ++i) {
      difference += std::pow(static_cast<double>(found[i]) - static_cast<double>(expected[i]), 2);
      size += std::pow(static_cast<double>(expected[i]), 2);
    }
    EXPECT_LT(std::sqrt(difference / size), 0.05) << name;
    EXPECT_GT(difference, 0) << name;
  }
}

}  // namespace
}  // namespace sparrow
