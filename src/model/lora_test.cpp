// Adapters on tiny random models: against the same models with merged weights, and what broken
// files get.
#include "model/lora.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

#include "base/memory_info.h"
#include "sparrow/error.h"
#include "tensor/half.h"
#include "tests/support/gguf_mutator.h"
#include "tests/support/loaded_model.h"
#include "tests/support/random_blocks.h"
#include "tests/support/runnable_kernels.h"
#include "tests/support/tiny_lora.h"
#include "tests/support/tiny_model.h"

namespace sparrow {
namespace {

using test_support::LoadedModel;
using test_support::merged_gguf;
using test_support::tiny_lora_gguf;
using test_support::tiny_model;
using test_support::TinyLora;
using test_support::TinyModel;
using testing::HasSubstr;
using Floats = std::vector<float>;

constexpr const char* kArchitectures[] = {"llama", "qwen2", "qwen3", "qwen3moe"};

std::vector<int32_t> some_ids(int64_t count) {
  std::vector<int32_t> ids;
  for (int64_t i = 0; i < count; ++i)
    ids.push_back(static_cast<int32_t>((i * i * 31 + i * 7 + 3) % test_support::kTinyVocabulary));
  return ids;
}

std::shared_ptr<const LoraAdapter> load(LoadedModel& loaded, const std::vector<std::byte>& bytes) {
  return load_lora(*GgufFile::parse(bytes, "adapter"), loaded.model(), loaded.backend());
}

// The largest difference, relative to the largest number expected.
double largest_error(const Floats& got, const Floats& expected) {
  if (got.size() != expected.size()) return std::numeric_limits<double>::infinity();
  double worst = 0;
  double largest = 0;
  for (size_t i = 0; i < got.size(); ++i) {
    if (!std::isfinite(got[i])) return std::numeric_limits<double>::infinity();
    worst = std::max(worst, std::abs(double{got[i]} - double{expected[i]}));
    largest = std::max(largest, std::abs(double{expected[i]}));
  }
  return worst / largest;
}

// Merged weights are rounded once more, and sums have another order.
constexpr double kMergedError = 2e-5;

TEST(Lora, gives_what_merged_weights_give_on_every_architecture) {
  const std::vector<int32_t> ids = some_ids(40);
  for (const char* architecture : kArchitectures) {
    for (const bool is_tied : {true, false}) {
      TinyModel tiny = tiny_model(architecture);
      tiny.is_tied = is_tied;
      LoadedModel base(test_support::tiny_gguf(tiny));
      LoadedModel merged(merged_gguf(tiny, {}));
      const auto adapter = load(base, tiny_lora_gguf(tiny, {}));
      const Floats got = base.run(ids, 16, 0, {.adapter = adapter.get()});
      EXPECT_LE(largest_error(got, merged.run(ids, 16)), kMergedError) << architecture;
      EXPECT_GE(largest_error(got, base.run(ids, 16)), 0.1) << architecture;
      EXPECT_LE(largest_error(base.run_hidden(ids, 16, {.adapter = adapter.get()}),
                              merged.run_hidden(ids, 16)),
                kMergedError)
          << architecture;
    }
  }
}

// Weights of F32 are multiplied in f32 there too, but packed, by the fused operations.
TEST(Lora, does_so_with_packed_weights_on_every_instruction_set) {
  const std::vector<int32_t> ids = some_ids(40);
  const TinyModel tiny = tiny_model("qwen2");
  for (const kernels::KernelTable* table : runnable_kernels()) {
    const LoadedModel::Options options = {.backend = {.thread_count = 2,
                                                      .isa = table->isa,
                                                      .activations = ActivationMode::quantized}};
    LoadedModel base(test_support::tiny_gguf(tiny), options);
    LoadedModel merged(merged_gguf(tiny, {}), options);
    const auto adapter = load(base, tiny_lora_gguf(tiny, {}));
    EXPECT_LE(largest_error(base.run(ids, 40, 0, {.adapter = adapter.get()}), merged.run(ids, 40)),
              kMergedError)
        << table->isa;
  }
}

TEST(Lora, each_matrix_may_have_one_or_not) {
  const std::vector<int32_t> ids = some_ids(12);
  for (const char* architecture : kArchitectures) {
    const TinyModel tiny = tiny_model(architecture);
    LoadedModel base(test_support::tiny_gguf(tiny));
    const Floats without = base.run(ids, 12);
    for (const auto& [name, shape] : test_support::tiny_lora_bases(tiny, {})) {
      if (name.starts_with("blk.0")) continue;
      const TinyLora lora = {.adapts = [&](const std::string& other) { return other == name; }};
      LoadedModel merged(merged_gguf(tiny, lora));
      const auto adapter = load(base, tiny_lora_gguf(tiny, lora));
      const Floats got = base.run(ids, 12, 0, {.adapter = adapter.get()});
      EXPECT_LE(largest_error(got, merged.run(ids, 12)), kMergedError) << architecture << name;
      EXPECT_NE(got, without) << name;
    }
  }
}

TEST(Lora, is_scaled_by_the_sequence_and_by_alpha) {
  const std::vector<int32_t> ids = some_ids(12);
  const TinyModel tiny = tiny_model("qwen3");
  LoadedModel base(test_support::tiny_gguf(tiny));
  const auto adapter = load(base, tiny_lora_gguf(tiny, {}));
  for (const float scale : {0.25f, -1.0f}) {
    LoadedModel merged(merged_gguf(tiny, {}, scale));
    EXPECT_LE(largest_error(base.run(ids, 12, 0, {adapter.get(), scale}), merged.run(ids, 12)),
              kMergedError)
        << scale;
  }
  EXPECT_EQ(base.run(ids, 12, 0, {adapter.get(), 0}), base.run(ids, 12));

  const auto halved = load(base, tiny_lora_gguf(tiny, {.alpha = 4}));
  EXPECT_EQ(base.run(ids, 12, 0, {halved.get(), 2}), base.run(ids, 12, 0, {adapter.get(), 1}));
}

TEST(Lora, an_alpha_of_0_stands_for_the_rank) {
  const std::vector<int32_t> ids = some_ids(12);
  const TinyModel tiny = tiny_model("llama");
  const TinyLora lora = {
      .alpha = 0, .adapts = [](const std::string& name) { return name == "blk.1.attn_v.weight"; }};
  TinyLora same = lora;
  same.alpha = static_cast<float>(test_support::tiny_lora_rank("blk.1.attn_v.weight"));
  LoadedModel base(test_support::tiny_gguf(tiny));
  const auto first = load(base, tiny_lora_gguf(tiny, lora));
  const auto second = load(base, tiny_lora_gguf(tiny, same));
  EXPECT_EQ(base.run(ids, 12, 0, {first.get()}), base.run(ids, 12, 0, {second.get()}));
}

std::vector<std::byte> as_half(const Floats& values, uint16_t (*round)(float)) {
  std::vector<std::byte> bytes;
  for (const float value : values) {
    const uint16_t half = round(value);
    bytes.push_back(static_cast<std::byte>(half & 0xff));
    bytes.push_back(static_cast<std::byte>(half >> 8));
  }
  return bytes;
}

TEST(Lora, is_read_in_any_format) {
  const TinyModel tiny = tiny_model("qwen2");
  const std::string base = "blk.0.ffn_up.weight";
  const Shape a_shape = {{tiny.hidden_size, 5, 1, 1}, 2};
  const Shape b_shape = {{5, tiny.ffn_size, 1, 1}, 2};
  const Floats a = test_support::tiny_weights("a", a_shape.count());
  const Floats b = test_support::tiny_weights("b", b_shape.count());
  const std::vector<std::byte> half_a = as_half(a, f32_to_bf16);
  const std::vector<std::byte> half_b = as_half(b, f32_to_f16);
  const Format& bf16 = *find_format("BF16");
  const Format& f16 = *find_format("F16");
  GgufWriter half = test_support::tiny_lora_writer(tiny, 16);
  half.add_tensor(base + ".lora_a", bf16, a_shape, half_a);
  half.add_tensor(base + ".lora_b", f16, b_shape, half_b);
  GgufWriter full = test_support::tiny_lora_writer(tiny, 16);
  full.add_tensor_f32(base + ".lora_a", a_shape, dequantize({half_a.data(), &bf16, a_shape}));
  full.add_tensor_f32(base + ".lora_b", b_shape, dequantize({half_b.data(), &f16, b_shape}));

  LoadedModel loaded(test_support::tiny_gguf(tiny));
  const auto from_half = load(loaded, half.to_bytes());
  const auto from_full = load(loaded, full.to_bytes());
  EXPECT_EQ(2 * from_half->size_bytes(), from_full->size_bytes());
  const std::vector<int32_t> ids = some_ids(9);
  const Floats got = loaded.run(ids, 9, 0, {from_half.get()});
  EXPECT_EQ(got, loaded.run(ids, 9, 0, {from_full.get()}));
  EXPECT_NE(got, loaded.run(ids, 9));

  const Format& q8_0 = *find_format("Q8_0");
  std::mt19937 random(1);
  const std::vector<std::byte> blocks =
      test_support::random_blocks(q8_0, a_shape.count() / q8_0.block_values, random, 0.5f);
  GgufWriter quantized = test_support::tiny_lora_writer(tiny, 16);
  quantized.add_tensor(base + ".lora_a", q8_0, a_shape, blocks);
  quantized.add_tensor_f32(base + ".lora_b", b_shape, b);
  GgufWriter dequantized = test_support::tiny_lora_writer(tiny, 16);
  dequantized.add_tensor_f32(base + ".lora_a", a_shape,
                             dequantize({blocks.data(), &q8_0, a_shape}));
  dequantized.add_tensor_f32(base + ".lora_b", b_shape, b);
  const auto from_quantized = load(loaded, quantized.to_bytes());
  const auto from_dequantized = load(loaded, dequantized.to_bytes());
  EXPECT_EQ(loaded.run(ids, 9, 0, {from_quantized.get()}),
            loaded.run(ids, 9, 0, {from_dequantized.get()}));
}

std::string refusal(const GgufWriter& writer, ErrorCode code = ErrorCode::invalid_file) {
  LoadedModel loaded(test_support::tiny_gguf(tiny_model("qwen2")));
  try {
    load(loaded, writer.to_bytes());
    return "";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), code);
    return error.what();
  }
}

void add_tensor(GgufWriter& writer, const std::string& name, const Shape& shape) {
  writer.add_tensor_f32(name, shape, Floats(static_cast<size_t>(shape.count()), 0.5f));
}

Shape matrix(int64_t in, int64_t out) { return {{in, out, 1, 1}, 2}; }

TEST(Lora, a_file_of_another_kind_is_refused_with_the_key) {
  const auto with = [](const char* type, const char* kind, const char* architecture, float alpha) {
    GgufWriter writer;
    writer.add_string("general.type", type);
    writer.add_string("adapter.type", kind);
    writer.add_string("general.architecture", architecture);
    writer.add_float32("adapter.lora.alpha", alpha);
    add_tensor(writer, "blk.0.attn_q.weight.lora_a", matrix(64, 4));
    add_tensor(writer, "blk.0.attn_q.weight.lora_b", matrix(4, 64));
    return writer;
  };
  EXPECT_EQ(refusal(with("adapter", "lora", "qwen2", 16)), "");
  EXPECT_THAT(refusal(with("model", "lora", "qwen2", 16)),
              HasSubstr("adapter: general.type must be 'adapter', is 'model'"));
  EXPECT_THAT(refusal(with("adapter", "ia3", "qwen2", 16)),
              HasSubstr("adapter.type must be 'lora', is 'ia3'"));
  EXPECT_THAT(refusal(with("adapter", "lora", "llama", 16)),
              HasSubstr("general.architecture must be 'qwen2', is 'llama'"));
  for (const float alpha :
       {std::numeric_limits<float>::infinity(), std::numeric_limits<float>::quiet_NaN()}) {
    EXPECT_THAT(refusal(with("adapter", "lora", "qwen2", alpha)),
                HasSubstr("adapter.lora.alpha must be finite, is"));
  }
  EXPECT_THAT(refusal(GgufWriter()), HasSubstr("general.type"));

  GgufWriter waiting = with("adapter", "lora", "qwen2", 16);
  waiting.add_int32s("adapter.alora.invocation_tokens", std::vector<int32_t>{1});
  EXPECT_THAT(refusal(waiting, ErrorCode::unsupported),
              HasSubstr("adapter.alora.invocation_tokens"));
}

TEST(Lora, a_tensor_that_does_not_belong_is_refused_by_name) {
  using Tensors = std::vector<std::pair<std::string, Shape>>;
  const auto refuse = [](const Tensors& tensors, ErrorCode code = ErrorCode::invalid_file) {
    GgufWriter writer = test_support::tiny_lora_writer(tiny_model("qwen2"), 16);
    for (const auto& [name, shape] : tensors) add_tensor(writer, name, shape);
    return refusal(writer, code);
  };
  const std::string q = "blk.0.attn_q.weight";
  EXPECT_EQ(refuse({{q + ".lora_a", matrix(64, 4)}, {q + ".lora_b", matrix(4, 64)}}), "");
  EXPECT_THAT(refuse({}), HasSubstr("has no tensors"));
  EXPECT_THAT(refuse({{q + ".lora_a", matrix(64, 4)}}),
              HasSubstr("tensor 'blk.0.attn_q.weight.lora_a' is there, but "
                        "'blk.0.attn_q.weight.lora_b' is missing"));
  EXPECT_THAT(refuse({{q + ".lora_b", matrix(4, 64)}}),
              HasSubstr("'blk.0.attn_q.weight.lora_a' is missing"));
  EXPECT_THAT(refuse({{"blk.0.attn_norm.weight", {{64, 1, 1, 1}, 1}}}),
              HasSubstr("tensor 'blk.0.attn_norm.weight' is not one of a LoRA pair"));
  for (const std::string& base :
       {std::string("blk.0.attn_norm.weight"), std::string("blk.2.attn_q.weight"),
        std::string("blk.0.ffn_gate_inp.weight"), std::string("attn_q")}) {
    EXPECT_THAT(refuse({{base + ".lora_a", matrix(64, 4)}, {base + ".lora_b", matrix(4, 64)}}),
                HasSubstr("tensor '" + base + ".lora_a': this qwen2 model has no matrix '" + base));
  }
  for (const std::string& base :
       {std::string("token_embd.weight"), std::string("blk.0.ffn_up_exps.weight")}) {
    EXPECT_THAT(refuse({{base + ".lora_a", matrix(64, 4)}, {base + ".lora_b", matrix(4, 64)}},
                       ErrorCode::unsupported),
                HasSubstr("tensor '" + base + ".lora_a': adapters of"));
  }
}

TEST(Lora, shapes_that_do_not_fit_are_refused_with_both) {
  const auto refuse = [](const Shape& a, const Shape& b) {
    GgufWriter writer = test_support::tiny_lora_writer(tiny_model("qwen2"), 16);
    add_tensor(writer, "blk.1.ffn_down.weight.lora_a", a);
    add_tensor(writer, "blk.1.ffn_down.weight.lora_b", b);
    return refusal(writer);
  };
  EXPECT_EQ(refuse(matrix(96, 4), matrix(4, 64)), "");
  EXPECT_EQ(refuse({{96, 1, 1, 1}, 1}, matrix(1, 64)), "");  // rank 1
  EXPECT_THAT(refuse(matrix(64, 4), matrix(4, 64)),
              HasSubstr("tensor 'blk.1.ffn_down.weight.lora_a' has shape [64, 4] and "
                        "'blk.1.ffn_down.weight.lora_b' has [4, 64]; the base matrix of "
                        "[96, 64] needs [96, rank] and [rank, 64]"));
  const std::string wrong = "needs [96, rank] and [rank, 64]";
  EXPECT_THAT(refuse(matrix(96, 4), matrix(4, 96)), HasSubstr(wrong));
  EXPECT_THAT(refuse(matrix(96, 4), matrix(5, 64)), HasSubstr(wrong));
  EXPECT_THAT(refuse(matrix(4, 96), matrix(64, 4)), HasSubstr(wrong));  // of old "finetune" files
  EXPECT_THAT(refuse({{96, 4, 2, 1}, 3}, matrix(4, 64)), HasSubstr(wrong));
  EXPECT_THAT(refuse(matrix(96, 4), {{4, 64, 2, 1}, 3}), HasSubstr(wrong));
  EXPECT_THAT(refuse(matrix(96, 5000), matrix(5000, 64)), HasSubstr("rank must be at most 4096"));
}

TEST(Lora, what_needs_more_memory_than_there_is_is_refused_with_the_numbers) {
  const TinyModel tiny = tiny_model("qwen2");
  LoadedModel loaded(test_support::tiny_network(tiny));
  const std::vector<std::byte> bytes = tiny_lora_gguf(tiny, {});
  const auto file = GgufFile::parse(bytes, "adapter");
  const int64_t needed = load(loaded, bytes)->size_bytes();
  EXPECT_EQ(load_lora(*file, loaded.model(), loaded.backend(), needed)->size_bytes(), needed);
  try {
    load_lora(*file, loaded.model(), loaded.backend(), needed - 1);
    ADD_FAILURE() << "took more memory than there is";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::out_of_memory);
    EXPECT_EQ(error.what(), fmt::format("adapter: the adapter needs {}, but {} of memory is "
                                        "available",
                                        format_bytes(needed), format_bytes(needed - 1)));
  }
}

TEST(Lora, files_with_a_broken_field_are_refused_or_run) {
  const TinyModel tiny = test_support::smallest_model("qwen2");
  LoadedModel loaded(test_support::tiny_network(tiny));
  const std::vector<std::byte> bytes = tiny_lora_gguf(tiny, {});
  const auto* begin = reinterpret_cast<const uint8_t*>(bytes.data());
  const std::vector<int32_t> ids = some_ids(2);
  int refused_count = 0;
  constexpr int kSeeds = 2000;
  for (int seed = 0; seed < kSeeds; ++seed) {
    const std::vector<uint8_t> broken =
        test_support::mutate_gguf({begin, begin + bytes.size()}, static_cast<uint64_t>(seed));
    try {
      const auto file = GgufFile::parse(std::as_bytes(std::span(broken)), "adapter");
      const auto adapter = load_lora(*file, loaded.model(), loaded.backend());
      loaded.run(ids, 2, 0, {adapter.get()});
    } catch (const Error& error) {
      ++refused_count;
      EXPECT_TRUE(error.code() == ErrorCode::invalid_file || error.code() == ErrorCode::unsupported)
          << error.what();
    }
  }
  EXPECT_GT(refused_count, kSeeds / 4);
  EXPECT_LT(refused_count, kSeeds);
}

}  // namespace
}  // namespace sparrow
