// Whole requests on tiny random models: exact tokens, whatever the chunks, threads, neighbours and
// cache; every way to end; nothing left behind.
#include "engine/engine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <malloc.h>

#include <cmath>
#include <limits>
#include <numeric>
#include <thread>

#include "engine/plan.h"
#include "gguf/gguf_file.h"
#include "sampling/sampler.h"
#include "sparrow/error.h"
#include "tests/support/engine_rig.h"
#include "tests/support/fake_tokenizer.h"
#include "tests/support/tiny_lora.h"
#include "tests/support/tiny_model.h"

namespace sparrow::engine {
namespace {

using test_support::tiny_model;

// The model by hand: the whole text anew for each token, no engine, no cache.
struct HandLoop {
  Ids ids;
  std::vector<float> logprobs;
};
HandLoop hand_loop(const char* architecture, Ids tokens, const SamplingParams& params) {
  const std::vector<std::byte> bytes = test_support::tiny_gguf(tiny_model(architecture));
  const std::unique_ptr<Backend> backend = make_cpu_backend({.thread_count = 1});
  const std::unique_ptr<Model> model = load_model(GgufFile::parse(bytes, "tiny"), *backend);
  const std::unique_ptr<KvMemory> kv = model->make_kv_memory(KvType::f16, 8, 64);
  const std::unique_ptr<Workspace> workspace =
      model->make_workspace({.max_rows = 512, .max_logit_rows = 1});
  Sampler sampler(test_support::kTinyVocabulary);
  SamplingState state;
  state.params = params;
  state.seed = static_cast<uint64_t>(params.seed.value_or(0));
  state.excluded = {test_support::kTinyEndOfText, test_support::kTinyImEnd};
  HandLoop result;
  for (int64_t i = 0; i < params.max_tokens; ++i) {
    const int64_t count = static_cast<int64_t>(tokens.size());
    std::vector<int32_t> positions(tokens.size());
    std::iota(positions.begin(), positions.end(), 0);
    const std::vector<BlockId> blocks = {0, 1, 2, 3, 4, 5, 6, 7};
    const std::vector<BatchSequence> sequences = {{0, count, 0, blocks}};
    const std::vector<int64_t> rows = {count - 1};
    const Logits logits =
        model->forward({tokens, positions, sequences, rows}, *kv, *workspace).logits;
    const std::vector<float> raw(logits.row(0).begin(), logits.row(0).end());
    const TokenId id = sampler.sample(logits.row(0), tokens, state).id;
    double total = 0;
    for (const float logit : raw) total += std::exp(static_cast<double>(logit));
    result.logprobs.push_back(
        static_cast<float>(static_cast<double>(raw[static_cast<size_t>(id)]) - std::log(total)));
    result.ids.push_back(id);
    tokens.push_back(id);
  }
  return result;
}

TEST(Engine, gives_exactly_the_tokens_of_a_loop_over_the_model) {
  for (const char* architecture : {"llama", "qwen2", "qwen3", "qwen3moe"}) {
    Rig rig({}, architecture);
    const Ids prompt = some_prompt(37);
    for (const SamplingParams& params : {greedy(20), random_draws(20, 5)}) {
      const Answer answer = rig.run(prompt, params);
      EXPECT_EQ(answer.ids, hand_loop(architecture, prompt, params).ids) << architecture;
      EXPECT_EQ(answer.last.finish_reason, FinishReason::length);
      EXPECT_EQ(answer.text, rig.engine().tokenizer().decode(answer.ids));
      EXPECT_EQ(answer.stats.prompt_tokens, 37);
      EXPECT_EQ(answer.stats.output_tokens, 20);
    }
  }
}

TEST(Engine, chunks_threads_and_neighbours_change_no_token) {
  const Ids prompt = some_prompt(150);
  const SamplingParams params = random_draws(24, 11);
  const Ids expected = Rig().run(prompt, params).ids;
  for (const int64_t chunk : {1, 7, 64, 512}) {
    for (const int threads : {1, 2}) {
      Rig rig({.thread_count = threads, .prefill_chunk = chunk});
      EXPECT_EQ(rig.run(prompt, params).ids, expected) << chunk << ", " << threads;
    }
  }
  Rig rig({.prefill_chunk = 40});
  std::vector<std::shared_ptr<OutputStream>> streams;
  std::vector<Ids> alone;
  for (int64_t i = 0; i < 5; ++i) {
    const Ids other = some_prompt(20 + 10 * i, i);
    alone.push_back(Rig().run(other, random_draws(10 + i, i)).ids);
    streams.push_back(rig.submit(other, random_draws(10 + i, i)));
  }
  const std::shared_ptr<OutputStream> last = rig.submit(prompt, params);
  rig.step();
  EXPECT_GT(rig.engine().stats().running_count, 1);
  rig.run();
  for (size_t i = 0; i < streams.size(); ++i) EXPECT_EQ(Rig::read(*streams[i]).ids, alone[i]);
  EXPECT_EQ(Rig::read(*last).ids, expected);
}

TEST(Engine, the_next_turn_reuses_the_last_and_gives_the_same_bits_as_a_cold_start) {
  SamplingParams params = random_draws(30, 3);
  params.logprobs = 5;
  Rig warm;
  const Ids first = some_prompt(60);
  const Answer answer = warm.run(first, params);
  EXPECT_EQ(answer.stats.cached_tokens, 0);
  Ids second = first;
  second.insert(second.end(), answer.ids.begin(), answer.ids.end());
  for (const TokenId id : some_prompt(20, 9)) second.push_back(id);
  const Answer warm_answer = warm.run(second, params);
  EXPECT_EQ(warm_answer.stats.cached_tokens, 60 + 30 - 1);  // the last token was never fed
  const Answer cold_answer = Rig().run(second, params);
  EXPECT_EQ(cold_answer.stats.cached_tokens, 0);
  EXPECT_EQ(warm_answer.ids, cold_answer.ids);
  for (size_t i = 0; i < warm_answer.tokens.size(); ++i) {
    EXPECT_EQ(warm_answer.tokens[i].logprob, cold_answer.tokens[i].logprob);
    for (size_t j = 0; j < 5; ++j)
      EXPECT_EQ(warm_answer.tokens[i].top[j].logprob, cold_answer.tokens[i].top[j].logprob);
  }
  // The same prompt once more: all but its last token, and again the same answer.
  const Answer again = warm.run(second, params);
  EXPECT_EQ(again.stats.cached_tokens, static_cast<int64_t>(second.size()) - 1);
  EXPECT_EQ(again.ids, cold_answer.ids);
}

TEST(Engine, a_prompt_that_parts_ways_early_shares_only_what_is_equal) {
  Rig rig;
  const Ids first = some_prompt(100);
  rig.run(first, greedy(4));
  Ids second(first.begin(), first.begin() + 70);
  for (const TokenId id : some_prompt(30, 5)) second.push_back(id);
  second[70] = first[70] == 0 ? 1 : 0;
  const Answer answer = rig.run(second, greedy(12));
  EXPECT_EQ(answer.stats.cached_tokens, 70);
  EXPECT_EQ(answer.ids, Rig().run(second, greedy(12)).ids);
}

TEST(Engine, ends_by_length_when_the_context_is_full) {
  Rig rig({.context_length = 64});
  EXPECT_EQ(rig.engine().plan().context_length, 64);
  const Answer answer = rig.run(some_prompt(50), greedy(-1));
  EXPECT_EQ(answer.ids.size(), 14u);
  EXPECT_EQ(answer.last.finish_reason, FinishReason::length);
  EXPECT_EQ(rig.run(some_prompt(63), greedy(500)).ids.size(), 1u);
  try {
    rig.submit(some_prompt(64), greedy(5));
    ADD_FAILURE() << "took a prompt without room for an answer";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::context_full);
    EXPECT_THAT(error.what(), testing::HasSubstr("64"));
  }
  EXPECT_FALSE(rig.step());
}

TEST(Engine, a_prompt_that_is_too_long_is_cut_as_the_request_says_and_reported) {
  Rig rig({.context_length = 64});
  const Ids prompt = some_prompt(100);
  const auto run = [&](ContextPolicy policy, int64_t max_tokens) {
    Request request = {.prompt = prompt, .params = greedy(max_tokens)};
    request.context_policy = policy;
    const std::shared_ptr<OutputStream> stream = rig.engine().submit(request);
    rig.run();
    return Rig::read(*stream);
  };
  // A quarter of the context is left for the answer, or what it may be long.
  Answer answer = run(ContextPolicy::drop_oldest, -1);
  EXPECT_EQ(answer.stats.prompt_tokens, 48);
  EXPECT_EQ(answer.stats.dropped_begin, 0);
  EXPECT_EQ(answer.stats.dropped_tokens, 52);
  EXPECT_EQ(
      answer.ids,
      Rig({.context_length = 64}).run(Ids(prompt.begin() + 52, prompt.end()), greedy(-1)).ids);
  answer = run(ContextPolicy::drop_middle, 4);
  EXPECT_EQ(answer.stats.prompt_tokens, 60);
  EXPECT_EQ(answer.stats.dropped_begin, 30);
  EXPECT_EQ(answer.stats.dropped_tokens, 40);
  Ids kept(prompt.begin(), prompt.begin() + 30);
  kept.insert(kept.end(), prompt.begin() + 70, prompt.end());
  EXPECT_EQ(answer.ids, Rig().run(kept, greedy(4)).ids);
  EXPECT_THROW(run(ContextPolicy::error, 4), Error);
  EXPECT_FALSE(rig.step());
}

TEST(Engine, a_request_may_have_less_context_than_the_engine) {
  Rig rig({.context_length = 200});
  Request request = {.prompt = some_prompt(20), .params = greedy(-1)};
  request.context_length = 32;
  const std::shared_ptr<OutputStream> stream = rig.engine().submit(request);
  rig.run();
  EXPECT_EQ(Rig::read(*stream).ids.size(), 12u);
  request.context_length = 20;
  EXPECT_THROW(rig.engine().submit(request), Error);
  request.context_length = 201;
  try {
    rig.engine().submit(request);
    ADD_FAILURE() << "took more context than there is";
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(),
                 "context_length of a request must be in [0, 200], the engine's, got 201");
  }
}

TEST(Engine, max_tokens_0_only_reads_the_prompt) {
  Rig rig;
  Answer answer = rig.run(some_prompt(40), greedy(0));
  EXPECT_TRUE(answer.ids.empty());
  EXPECT_EQ(answer.text, "");
  EXPECT_EQ(answer.last.finish_reason, FinishReason::length);
  answer = rig.run(some_prompt(40), greedy(3));
  EXPECT_EQ(answer.stats.cached_tokens, 39);
  EXPECT_EQ(answer.ids.size(), 3u);
}

TEST(Engine, min_tokens_holds_every_end_back) {
  Rig rig;
  SamplingParams params = greedy(50);
  params.ignore_eos = false;
  params.logit_bias = {{test_support::kTinyImEnd, 100}};
  Answer answer = rig.run(some_prompt(10), params);
  EXPECT_EQ(answer.ids.size(), 0u);
  EXPECT_EQ(answer.last.finish_reason, FinishReason::stop);
  params.min_tokens = 7;
  answer = rig.run(some_prompt(10), params);
  EXPECT_EQ(answer.ids.size(), 7u);
  EXPECT_EQ(answer.last.finish_reason, FinishReason::stop);
  params.logit_bias = {{65, 100}};
  params.stop_token_ids = {65};
  answer = rig.run(some_prompt(10), params);
  EXPECT_EQ(answer.ids.size(), 7u);
  EXPECT_EQ(answer.last.finish_reason, FinishReason::stop);
  params.logit_bias = {{test_support::kTinyImEnd, 100}};
  params.ignore_eos = true;
  answer = rig.run(some_prompt(10), params);
  EXPECT_EQ(answer.ids.size(), 50u);
}

TEST(Engine, stops_at_a_stop_string_of_the_models_own_words) {
  Rig rig;
  const Answer whole = rig.run(some_prompt(30), greedy(40));
  ASSERT_GT(whole.text.size(), 20u);
  // Somewhere in the middle, at a character's start.
  size_t at = whole.text.size() / 2;
  while ((static_cast<unsigned char>(whole.text[at]) & 0xc0) == 0x80) ++at;
  size_t end = at + 4;
  while ((static_cast<unsigned char>(whole.text[end]) & 0xc0) == 0x80) ++end;
  SamplingParams params = greedy(40);
  params.stop = {whole.text.substr(at, end - at)};
  const Answer answer = rig.run(some_prompt(30), params);
  EXPECT_EQ(answer.text, whole.text.substr(0, whole.text.find(params.stop[0])));
  EXPECT_EQ(answer.last.finish_reason, FinishReason::stop);
  EXPECT_EQ(answer.last.stop_string, params.stop[0]);
  EXPECT_LT(answer.ids.size(), 40u);
}

TEST(Engine, logprobs_are_those_of_the_models_raw_logits) {
  SamplingParams params = random_draws(12, 4);
  params.logprobs = 3;
  params.repeat_penalty = 1.5;
  params.temperature = 0.5;
  Rig rig;
  const Ids prompt = some_prompt(25);
  const Answer answer = rig.run(prompt, params);
  const HandLoop expected = hand_loop("qwen2", prompt, params);
  ASSERT_EQ(answer.ids, expected.ids);
  for (size_t i = 0; i < answer.tokens.size(); ++i) {
    EXPECT_NEAR(answer.tokens[i].logprob, expected.logprobs[i], 1e-5);
    ASSERT_EQ(answer.tokens[i].top.size(), 3u);
    EXPECT_GE(answer.tokens[i].top[0].logprob, answer.tokens[i].top[2].logprob);
    for (const TokenLogprob& top : answer.tokens[i].top) {
      if (top.id == answer.ids[i]) {
        EXPECT_EQ(top.logprob, answer.tokens[i].logprob);
      }
    }
  }
  EXPECT_TRUE(rig.run(prompt, greedy(2)).tokens[0].top.empty());
}

TEST(Engine, prompt_logprobs_are_the_floats_that_an_answer_of_these_tokens_has) {
  SamplingParams params = random_draws(30, 4);
  params.logprobs = 2;
  params.prompt_logprobs = 2;
  Rig rig({.prefill_chunk = 50});
  const Ids prompt = some_prompt(45);
  const Answer answer = rig.run(prompt, params);
  ASSERT_EQ(answer.prompt_tokens.size(), 44u);
  Ids all = prompt;
  all.insert(all.end(), answer.ids.begin(), answer.ids.end());
  const Answer again = rig.run(all, params);  // on a warm cache
  EXPECT_EQ(again.stats.cached_tokens, 0);
  ASSERT_EQ(again.prompt_tokens.size(), 74u);
  for (size_t i = 0; i < 74; ++i) {
    const OutputToken& expected = i < 44 ? answer.prompt_tokens[i] : answer.tokens[i - 44];
    EXPECT_EQ(again.prompt_tokens[i].id, all[i + 1]);
    EXPECT_EQ(again.prompt_tokens[i].logprob, expected.logprob) << i;
    EXPECT_EQ(again.prompt_tokens[i].rank, expected.rank) << i;
    ASSERT_EQ(again.prompt_tokens[i].top.size(), 2u);
    EXPECT_EQ(again.prompt_tokens[i].top[1].logprob, expected.top[1].logprob) << i;
    EXPECT_EQ(again.prompt_tokens[i].rank == 1,
              again.prompt_tokens[i].top[0].id == again.prompt_tokens[i].id);
  }
  params.max_tokens = 0;
  EXPECT_EQ(rig.run(all, params).prompt_tokens.size(), 74u);
  EXPECT_EQ(rig.run(some_prompt(6), params).prompt_tokens.size(), 5u);
  // All that a step may score, at once.
  const std::shared_ptr<OutputStream> stream = rig.submit(some_prompt(30), params);
  ASSERT_TRUE(rig.step());
  EXPECT_TRUE(stream->is_finished());
  EXPECT_EQ(Rig::read(*stream).prompt_tokens.size(), 29u);
  EXPECT_TRUE(rig.run({5}, params).prompt_tokens.empty());
}

std::vector<float> embed(Rig& rig, const Ids& prompt, Pooling pooling, bool normalize = false) {
  Request request;
  request.prompt = prompt;
  request.pooling = pooling;
  request.normalize = normalize;
  const std::shared_ptr<OutputStream> stream = rig.engine().submit(request);
  rig.run();
  const Answer answer = Rig::read(*stream);
  EXPECT_EQ(answer.last.finish_reason, FinishReason::stop);
  EXPECT_TRUE(answer.ids.empty());
  return answer.last.embedding;
}

TEST(Engine, embeddings_are_the_models_pooled_hidden_states) {
  const std::vector<std::byte> bytes = test_support::tiny_gguf(tiny_model("qwen3"));
  const std::unique_ptr<Backend> backend = make_cpu_backend({.thread_count = 1});
  const std::unique_ptr<Model> model = load_model(GgufFile::parse(bytes, "tiny"), *backend);
  const std::unique_ptr<KvMemory> kv = model->make_kv_memory(KvType::f16, 8, 64);
  const std::unique_ptr<Workspace> workspace =
      model->make_workspace({.max_rows = 512, .max_logit_rows = 1, .max_hidden_rows = 512});
  const Ids prompt = some_prompt(90);
  std::vector<int32_t> positions(prompt.size());
  std::iota(positions.begin(), positions.end(), 0);
  const std::vector<BlockId> blocks = {0, 1};
  const std::vector<BatchSequence> sequences = {{0, 90, 0, blocks}};
  std::vector<int64_t> rows(prompt.size());
  std::iota(rows.begin(), rows.end(), int64_t{0});
  const HiddenStates states =
      model->forward({prompt, positions, sequences, {}, rows}, *kv, *workspace).hidden;
  const size_t size = static_cast<size_t>(states.hidden_size);
  std::vector<double> mean(size);
  for (int64_t row = 0; row < 90; ++row)
    for (size_t i = 0; i < size; ++i) mean[i] += static_cast<double>(states.row(row)[i]) / 90;

  Rig rig({.prefill_chunk = 40}, "qwen3");
  for (int round = 0; round < 2; ++round) {  // cold and warm
    const std::vector<float> found = embed(rig, prompt, Pooling::mean);
    ASSERT_EQ(found.size(), size);
    for (size_t i = 0; i < size; ++i) EXPECT_NEAR(static_cast<double>(found[i]), mean[i], 1e-6);
    const auto equals_row = [&](int64_t row) {
      return testing::ElementsAreArray(states.row(row).begin(), states.row(row).end());
    };
    EXPECT_THAT(embed(rig, prompt, Pooling::last), equals_row(89));
    EXPECT_THAT(embed(rig, prompt, Pooling::cls), equals_row(0));
  }
  double length = 0;
  for (const float value : embed(rig, prompt, Pooling::mean, true))
    length += static_cast<double>(value) * static_cast<double>(value);
  EXPECT_NEAR(length, 1, 1e-5);
}

TEST(Engine, embeddings_are_the_same_bits_alone_and_among_others) {
  const Ids prompt = some_prompt(70);
  Rig alone({.prefill_chunk = 100});
  Rig rig({.prefill_chunk = 9});
  for (const Pooling pooling : {Pooling::mean, Pooling::last, Pooling::cls}) {
    const std::shared_ptr<OutputStream> other = rig.submit(some_prompt(30, 4), greedy(40));
    rig.step();
    EXPECT_EQ(embed(rig, prompt, pooling, true), embed(alone, prompt, pooling, true));
    EXPECT_EQ(Rig::read(*other).ids.size(), 40u);
  }
}

// A file's own scaling is compared with transformers in src/model.
TEST(Engine, a_requests_rope_scaling_is_that_of_a_file_with_it_and_nobody_elses) {
  for (const char* architecture : {"llama", "qwen2", "qwen3", "qwen3moe"}) {
    test_support::TinyModel scaled = tiny_model(architecture);
    scaled.rope_scaling = "yarn";
    scaled.rope_scaling_factor = 4;
    scaled.rope_original_context = 100;
    const Ids prompt = some_prompt(120);
    Rig of_file(test_support::tiny_gguf(scaled), {});
    const Ids expected = of_file.run(prompt, random_draws(20, 5)).ids;
    const Ids plain = Rig({}, architecture).run(prompt, random_draws(20, 5)).ids;
    ASSERT_NE(plain, expected) << architecture;

    const RopeScaling yarn = parse_rope_scaling("yarn:4:100");
    Rig rig({}, architecture);
    const auto submit = [&](std::optional<RopeScaling> scaling) {
      return rig.engine().submit(
          {.prompt = prompt, .params = random_draws(20, 5), .rope_scaling = scaling});
    };
    const std::shared_ptr<OutputStream> streams[] = {submit(std::nullopt), submit(yarn),
                                                     submit(yarn)};
    rig.run();
    EXPECT_EQ(Rig::read(*streams[0]).ids, plain) << architecture;
    EXPECT_EQ(Rig::read(*streams[1]).ids, expected) << architecture;
    const Answer last = Rig::read(*streams[2]);
    EXPECT_EQ(last.ids, expected) << architecture;
    EXPECT_GT(last.stats.cached_tokens, 0);

    Rig by_option({.rope_scaling = yarn}, architecture);
    EXPECT_EQ(by_option.run(prompt, random_draws(20, 5)).ids, expected) << architecture;
    EXPECT_THROW(submit(RopeScaling{.type = RopeScalingType::yarn, .factor = 0}), Error);
  }
}

TEST(Engine, a_rope_scaling_makes_the_context_longer) {
  Rig rig({.rope_scaling = parse_rope_scaling("yarn:2")});
  EXPECT_EQ(rig.engine().plan().model_context_length, 1024);
  const Answer answer = rig.run(some_prompt(700), greedy(4));
  EXPECT_EQ(answer.last.finish_reason, FinishReason::length);
  EXPECT_EQ(answer.stats.prompt_tokens, 700);
}

TEST(Engine, adapters_change_only_the_requests_that_name_them) {
  Rig rig({}, "llama");
  const std::vector<std::byte> first =
      test_support::tiny_lora_gguf(tiny_model("llama"), {.seed = "a"});
  const std::vector<std::byte> second =
      test_support::tiny_lora_gguf(tiny_model("llama"), {.seed = "b"});
  rig.engine().load_adapter("first", *GgufFile::parse(first, "first"));
  rig.engine().load_adapter("second", *GgufFile::parse(second, "second"));
  const Ids prompt = some_prompt(80);
  const auto submit = [&](Rig& to, const std::string& adapter, float scale = 1) {
    Request request = {.prompt = prompt, .params = greedy(20)};
    request.adapter = adapter;
    request.adapter_scale = scale;
    return to.engine().submit(request);
  };
  const std::shared_ptr<OutputStream> streams[] = {submit(rig, ""), submit(rig, "first"),
                                                   submit(rig, "second"), submit(rig, "first", 2),
                                                   submit(rig, "first")};
  rig.run();
  Ids ids[5];
  for (size_t i = 0; i < 5; ++i) {
    const Answer answer = Rig::read(*streams[i]);
    ids[i] = answer.ids;
    EXPECT_EQ(answer.stats.cached_tokens > 0, i == 4) << i;  // only the last had a forerunner
  }
  EXPECT_EQ(ids[0], Rig({}, "llama").run(prompt, greedy(20)).ids);
  EXPECT_EQ(ids[4], ids[1]);
  EXPECT_NE(ids[1], ids[0]);
  EXPECT_NE(ids[2], ids[0]);
  EXPECT_NE(ids[1], ids[2]);
  EXPECT_NE(ids[3], ids[1]);
  Rig alone({}, "llama");
  alone.engine().load_adapter("a", *GgufFile::parse(second, "second"));
  const std::shared_ptr<OutputStream> stream = submit(alone, "a");
  alone.run();
  EXPECT_EQ(Rig::read(*stream).ids, ids[2]);

  rig.engine().unload_adapter("second");
  EXPECT_THROW(rig.engine().unload_adapter("second"), Error);
  try {
    submit(rig, "second");
    ADD_FAILURE() << "took an adapter that is gone";
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "there is no adapter 'second'; loaded are: first");
  }
  EXPECT_THROW(submit(rig, "first", std::numeric_limits<float>::infinity()), Error);
}

TEST(Engine, an_adapter_is_refused_where_memory_beside_the_cache_does_not_hold_it) {
  int64_t available = int64_t{1} << 30;
  int64_t promised = 0;
  const EngineOptions options = {.available_bytes = [&](int64_t promised_bytes) {
    promised = promised_bytes;
    return available - promised_bytes;
  }};
  Rig rig(options, "llama");
  EXPECT_EQ(promised, 0);
  const std::vector<std::byte> bytes = test_support::tiny_lora_gguf(tiny_model("llama"), {});
  const std::shared_ptr<const GgufFile> file = GgufFile::parse(bytes, "adapter");
  rig.run(some_prompt(80), greedy(1));
  EXPECT_EQ(rig.engine().stats().adapter_bytes, 0);
  rig.engine().load_adapter("a", *file);
  const int64_t one = rig.engine().stats().adapter_bytes;
  EXPECT_GT(one, 10000);
  // What the request has written of the cache is taken from the system already.
  EXPECT_GT(promised, 0);
  EXPECT_LT(promised, rig.engine().plan().kv_bytes);
  available = promised + one - 1;
  try {
    rig.engine().load_adapter("b", *file);
    ADD_FAILURE() << "took more memory than there is";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::out_of_memory);
  }
  EXPECT_EQ(rig.engine().stats().adapter_bytes, one);
  rig.engine().unload_adapter("a");
  EXPECT_EQ(rig.engine().stats().adapter_bytes, 0);
}

TEST(Engine, a_reset_of_the_prefix_cache_frees_what_no_request_uses) {
  Rig rig;
  const Ids prompt = some_prompt(100);
  const Ids expected = rig.run(prompt, greedy(5)).ids;
  EXPECT_GT(rig.engine().stats().cached_block_count, 0);
  EXPECT_TRUE(rig.engine().reset_prefix_cache());
  rig.engine().check();
  EXPECT_EQ(rig.engine().stats().cached_block_count, 0);
  EXPECT_EQ(rig.engine().stats().free_block_count, rig.engine().stats().block_count);
  const std::shared_ptr<OutputStream> stream = rig.submit(prompt, greedy(5));
  while (rig.engine().stats().computed_rows < 2 * 100) rig.step();
  EXPECT_FALSE(rig.engine().reset_prefix_cache());
  rig.run();
  const Answer answer = Rig::read(*stream);
  EXPECT_EQ(answer.ids, expected);
  EXPECT_EQ(answer.stats.cached_tokens, 0);
}

TEST(Engine, its_own_thread_resets_the_prefix_cache_between_two_steps) {
  Rig rig;
  rig.engine().start();
  const auto stream = rig.submit(some_prompt(40), greedy(60));
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; ++i) {
    threads.emplace_back([&] {
      for (int round = 0; round < 20; ++round) rig.engine().reset_prefix_cache();
    });
  }
  for (std::thread& thread : threads) thread.join();
  const Ids expected = Rig().run(some_prompt(40), greedy(60)).ids;
  EXPECT_EQ(Rig::read(*stream).ids, expected);
  EXPECT_TRUE(rig.engine().reset_prefix_cache());
}

TEST(Engine, a_cancelled_request_ends_within_one_step_and_frees_its_blocks) {
  Rig rig({.context_length = 256, .prefill_chunk = 16});
  // While it reads its prompt, while it answers, and while it waits.
  for (const int steps : {0, 1, 3, 8, 20}) {
    const std::shared_ptr<OutputStream> stream = rig.submit(some_prompt(90), greedy(-1));
    const std::shared_ptr<OutputStream> waiting = rig.submit(some_prompt(100, 1), greedy(-1));
    for (int i = 0; i < steps; ++i) rig.step();
    stream->cancel();
    waiting->cancel();
    rig.step();
    EXPECT_TRUE(stream->is_finished());
    EXPECT_TRUE(waiting->is_finished());
    const Answer answer = Rig::read(*stream);
    EXPECT_EQ(answer.last.finish_reason, FinishReason::cancelled);
    EXPECT_EQ(answer.text, rig.engine().tokenizer().decode(answer.ids));
    EXPECT_EQ(Rig::read(*waiting).last.finish_reason, FinishReason::cancelled);
    EXPECT_EQ(used_blocks(rig.engine()), 0);
    EXPECT_FALSE(rig.step());
  }
}

TEST(Engine, a_cancelled_neighbour_changes_nothing_for_the_others) {
  const Ids expected = Rig().run(some_prompt(40), random_draws(30, 2)).ids;
  for (const int steps : {1, 2, 6, 15}) {
    Rig rig({.prefill_chunk = 16});
    const std::shared_ptr<OutputStream> gone = rig.submit(some_prompt(50, 3), greedy(60));
    const std::shared_ptr<OutputStream> stays = rig.submit(some_prompt(40), random_draws(30, 2));
    for (int i = 0; i < steps; ++i) rig.step();
    gone->cancel();
    rig.run();
    EXPECT_EQ(Rig::read(*stays).ids, expected);
  }
}

TEST(Engine, requests_start_in_order_as_blocks_allow_and_give_them_back_to_older_ones) {
  Rig rig({.context_length = 128});
  std::vector<std::shared_ptr<OutputStream>> streams;
  for (int64_t i = 0; i < 4; ++i) streams.push_back(rig.submit(some_prompt(20, i), greedy(60)));
  rig.step();
  EXPECT_EQ(rig.engine().stats().running_count, 2);  // 4 blocks: one each, and one to go on with
  EXPECT_EQ(rig.engine().stats().waiting_count, 2);
  rig.run();
  EXPECT_GT(rig.engine().stats().preemption_count, 0);
  for (int64_t i = 0; i < 4; ++i) {
    const Answer answer = Rig::read(*streams[static_cast<size_t>(i)]);
    EXPECT_EQ(answer.ids, Rig().run(some_prompt(20, i), greedy(60)).ids);
    EXPECT_EQ(answer.last.finish_reason, FinishReason::length);
    EXPECT_EQ(answer.stats.cached_tokens, 0);
    if (i == 0) {
      EXPECT_EQ(answer.stats.preemption_count, 0);
    }
  }
}

TEST(Engine, a_request_waits_from_the_moment_it_was_submitted) {
  Rig rig;
  const auto stream = rig.submit(some_prompt(20), greedy(8));
  EXPECT_EQ(rig.engine().stats().waiting_count, 1);
  rig.step();
  EXPECT_EQ(rig.engine().stats().waiting_count, 0);
  EXPECT_EQ(rig.engine().stats().running_count, 1);
}

TEST(Engine, a_waiting_request_knows_its_place) {
  Rig rig({.max_sequences = 1});
  const auto submit = [&](int64_t i, Priority priority) {
    Request request = {.prompt = some_prompt(20, i), .params = greedy(8)};
    request.priority = priority;
    return rig.engine().submit(std::move(request));
  };
  const auto first = submit(0, Priority::interactive);
  const auto batch = submit(1, Priority::batch);
  const auto second = submit(2, Priority::interactive);
  rig.step();
  EXPECT_EQ(first->stats().queue_position, 0);
  EXPECT_EQ(second->stats().queue_position, 1);
  EXPECT_EQ(batch->stats().queue_position, 2);
  first->cancel();
  rig.step();
  EXPECT_EQ(second->stats().queue_position, 0);
  EXPECT_EQ(batch->stats().queue_position, 1);
  rig.run();
  EXPECT_EQ(batch->stats().queue_position, 0);
}

TEST(Engine, requests_that_begin_alike_compute_it_once_although_they_come_together) {
  constexpr int64_t kPrefix = 160;
  Rig rig({.prefill_chunk = 48});
  Ids prefix = some_prompt(kPrefix);
  std::vector<Ids> prompts;
  std::vector<std::shared_ptr<OutputStream>> streams;
  for (int64_t i = 0; i < 8; ++i) {
    prompts.push_back(prefix);
    for (const TokenId id : some_prompt(5 + i, 40 + i)) prompts.back().push_back(id);
    streams.push_back(rig.submit(prompts.back(), random_draws(12, i)));
  }
  rig.step();
  rig.step();
  EXPECT_GE(rig.engine().stats().running_count, 5);
  rig.run();
  int64_t cached = 0;
  for (size_t i = 0; i < streams.size(); ++i) {
    const Answer answer = Rig::read(*streams[i]);
    EXPECT_EQ(answer.ids, Rig().run(prompts[i], random_draws(12, static_cast<int64_t>(i))).ids);
    cached += answer.stats.cached_tokens;
  }
  EXPECT_EQ(cached, 7 * kPrefix);
}

TEST(Engine, prefixes_are_shared_while_their_first_request_still_runs) {
  Rig rig;
  const Ids prompt = some_prompt(100);
  const std::shared_ptr<OutputStream> first = rig.submit(prompt, greedy(200));
  for (int i = 0; i < 20; ++i) rig.step();
  const int64_t before = used_blocks(rig.engine());
  const std::shared_ptr<OutputStream> second = rig.submit(prompt, greedy(5));
  rig.step();
  EXPECT_EQ(second->stats().cached_tokens, 0);  // known when it ends
  EXPECT_EQ(used_blocks(rig.engine()), before + 1);
  rig.run();
  EXPECT_EQ(Rig::read(*second).stats.cached_tokens, 99);
  EXPECT_EQ(Rig::read(*first).ids, Rig().run(prompt, greedy(200)).ids);
}

TEST(Engine, an_interactive_request_takes_the_place_of_one_of_a_batch) {
  Rig rig({.context_length = 128});
  const auto batch = [&](int64_t salt) {
    return rig.engine().submit({some_prompt(40, salt), greedy(40), Priority::batch});
  };
  const std::shared_ptr<OutputStream> first = batch(1);
  const std::shared_ptr<OutputStream> second = batch(2);
  for (int i = 0; i < 10; ++i) rig.step();
  const std::shared_ptr<OutputStream> urgent = rig.submit(some_prompt(90, 3), greedy(10));
  while (!urgent->is_finished()) ASSERT_TRUE(rig.step());
  EXPECT_FALSE(first->is_finished());
  EXPECT_FALSE(second->is_finished());
  rig.run();
  EXPECT_EQ(Rig::read(*urgent).ids, Rig().run(some_prompt(90, 3), greedy(10)).ids);
  EXPECT_EQ(Rig::read(*first).ids, Rig().run(some_prompt(40, 1), greedy(40)).ids);
  EXPECT_EQ(Rig::read(*second).ids, Rig().run(some_prompt(40, 2), greedy(40)).ids);
}

TEST(Engine, a_short_prompt_is_answered_while_a_long_one_is_read) {
  Rig rig({.prefill_chunk = 16});
  const std::shared_ptr<OutputStream> long_one = rig.submit(some_prompt(400), greedy(2));
  rig.step();
  const std::shared_ptr<OutputStream> short_one = rig.submit(some_prompt(12, 1), greedy(3));
  int steps = 0;
  while (!short_one->is_finished()) {
    ASSERT_TRUE(rig.step());
    ASSERT_LT(++steps, 10);
  }
  EXPECT_FALSE(long_one->is_finished());
  rig.run();
  EXPECT_EQ(Rig::read(*long_one).ids, Rig().run(some_prompt(400), greedy(2)).ids);
}

TEST(Engine, rows_that_the_tokenizer_does_not_name_are_never_sampled) {
  std::vector<std::byte> bytes = test_support::tiny_gguf(tiny_model("llama"));
  const std::shared_ptr<const GgufFile> file = GgufFile::parse(bytes, "tiny");
  std::vector<std::string> few;
  for (int i = 0; i < 40; ++i) few.push_back(std::string(1, static_cast<char>('A' + i)));
  const auto tokenizer =
      std::make_shared<test_support::FakeTokenizer>(few, Ids{}, Ids{0, 1, 2, 3, 4, 5});
  const std::unique_ptr<Engine> engine = Engine::load(file, tokenizer, {.thread_count = 1});
  const std::shared_ptr<OutputStream> stream = engine->submit({{7, 8}, random_draws(300, 1)});
  while (engine->step()) {
  }
  const Answer answer = Rig::read(*stream);
  EXPECT_EQ(answer.ids.size(), 300u);
  for (const TokenId id : answer.ids) {
    EXPECT_GE(id, 6);
    EXPECT_LT(id, 40);
  }
}

TEST(Engine, broken_weights_end_requests_with_an_error_and_not_the_program) {
  const test_support::TinyModel tiny = tiny_model("llama");
  GgufWriter writer = test_support::tiny_writer(tiny);
  for (const auto& [name, shape] : test_support::tiny_tensors(tiny)) {
    std::vector<float> values = test_support::tiny_weights(name, shape.count());
    if (name == "output_norm.weight") values[3] = std::numeric_limits<float>::quiet_NaN();
    writer.add_tensor_f32(name, shape, values);
  }
  Rig rig(writer.to_bytes(), {});
  for (int i = 0; i < 3; ++i) {
    const Answer answer = rig.run(some_prompt(12), random_draws(10, 1));
    EXPECT_EQ(answer.last.finish_reason, FinishReason::error);
    EXPECT_THAT(answer.last.error, testing::HasSubstr("not numbers"));
    EXPECT_EQ(answer.last.error_code, ErrorCode::invalid_file);
    EXPECT_EQ(used_blocks(rig.engine()), 0);
    EXPECT_EQ(rig.engine().stats().cached_block_count, 0);
  }
}

TEST(Engine, a_refused_request_leaves_the_others_alone) {
  Rig rig;
  const std::shared_ptr<OutputStream> stream = rig.submit(some_prompt(20), greedy(10));
  SamplingParams bad = greedy(10);
  bad.top_p = 0;
  EXPECT_THROW(rig.submit(some_prompt(20), bad), Error);
  EXPECT_THROW(rig.submit({}, greedy(10)), Error);
  EXPECT_THROW(rig.submit({test_support::kTinyVocabulary}, greedy(10)), Error);
  rig.run();
  EXPECT_EQ(Rig::read(*stream).ids.size(), 10u);
}

TEST(Engine, ten_thousand_requests_leave_memory_where_a_hundred_left_it) {
  Rig rig({.context_length = 128});
  const auto run_some = [&](int64_t count) {
    for (int64_t i = 0; i < count; ++i) {
      SamplingParams params = random_draws(1 + i % 5, i);
      params.logprobs = i % 3;
      params.stop = {"never", "ever"};
      const std::shared_ptr<OutputStream> stream = rig.submit(some_prompt(5 + i % 40, i), params);
      if (i % 7 == 0) stream->cancel();
      if (i % 4 == 3) rig.run();
    }
    rig.run();
    return static_cast<int64_t>(mallinfo2().uordblks);
  };
  const int64_t after_100 = run_some(100);
  const int64_t after_10000 = run_some(9900);
  EXPECT_LT(after_10000 - after_100, 64 << 10);
  EXPECT_EQ(used_blocks(rig.engine()), 0);
}

TEST(Engine, its_own_thread_serves_many_callers) {
  Rig rig({.context_length = 256, .thread_count = 2, .prefill_chunk = 32});
  rig.engine().start();
  std::vector<Ids> expected;
  for (int64_t i = 0; i < 6; ++i)
    expected.push_back(Rig().run(some_prompt(20 + i, i), random_draws(12, i)).ids);
  std::vector<std::thread> callers;
  for (int64_t i = 0; i < 6; ++i) {
    callers.emplace_back([&, i] {
      for (int round = 0; round < 5; ++round) {
        const std::shared_ptr<OutputStream> stream =
            rig.submit(some_prompt(20 + i, i), random_draws(12, i));
        if (round == 2) {
          stream->cancel();
          const FinishReason reason = Rig::read(*stream).last.finish_reason;
          EXPECT_TRUE(reason == FinishReason::cancelled || reason == FinishReason::length);
        } else {
          EXPECT_EQ(Rig::read(*stream).ids, expected[static_cast<size_t>(i)]);
        }
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  rig.engine().stop();
  EXPECT_EQ(used_blocks(rig.engine()), 0);
  EXPECT_EQ(rig.engine().stats().running_count, 0);
}

TEST(Engine, stopping_keeps_requests_in_flight_and_starting_goes_on) {
  Rig rig;
  const Ids expected = Rig().run(some_prompt(30), greedy(200)).ids;
  const std::shared_ptr<OutputStream> stream = rig.submit(some_prompt(30), greedy(200));
  for (int i = 0; i < 10; ++i) {
    rig.engine().start();
    stream->next_within(1);  // whatever has come so far is read again below by its ids
    rig.engine().stop();
    if (stream->is_finished()) break;
  }
  rig.engine().start();
  Answer rest = Rig::read(*stream);
  rig.engine().stop();
  EXPECT_EQ(rest.stats.output_tokens, 200);
  ASSERT_LE(rest.ids.size(), expected.size());
  EXPECT_TRUE(std::equal(rest.ids.rbegin(), rest.ids.rend(), expected.rbegin()));
}

TEST(Engine, destroying_it_ends_what_is_in_flight_as_cancelled) {
  Rig rig({.context_length = 128});
  rig.engine().start();
  const std::shared_ptr<OutputStream> running = rig.submit(some_prompt(10), greedy(-1));
  const std::shared_ptr<OutputStream> waiting = rig.submit(some_prompt(20), greedy(-1));
  std::thread reader([&] { Rig::read(*waiting); });
  rig.destroy_engine();
  reader.join();
  EXPECT_TRUE(running->is_finished());
  EXPECT_TRUE(waiting->is_finished());
}

TEST(Engine, reports_its_plan_and_the_progress_of_loading) {
  std::vector<double> shares;
  Rig rig({.context_length = 100, .on_progress = [&](double share) { shares.push_back(share); }});
  ASSERT_FALSE(shares.empty());
  EXPECT_EQ(shares.back(), 1);
  const EnginePlan& plan = rig.engine().plan();
  EXPECT_EQ(plan.context_length, 100);
  EXPECT_EQ(plan.model_context_length, 512);
  EXPECT_EQ(plan.weight_bytes, rig.engine().model().weight_bytes());
  EXPECT_EQ(plan.kv_bytes, 128 * kv_bytes_per_token(rig.engine().model().config(), KvType::f16));
  EXPECT_GT(plan.available_bytes, 0);
  EXPECT_FALSE(plan.is_reduced);
}

TEST(Engine, options_it_cannot_follow_are_refused_before_loading) {
  EXPECT_THROW(Rig({.context_length = 513}), Error);
  EXPECT_THROW(Rig({.prefill_chunk = 0}), Error);
  EXPECT_THROW(Rig({.thread_count = -2}), Error);
}

TEST(FinishReasons, have_names) {
  EXPECT_EQ(to_string(FinishReason::none), "none");
  EXPECT_EQ(to_string(FinishReason::stop), "stop");
  EXPECT_EQ(to_string(FinishReason::length), "length");
  EXPECT_EQ(to_string(FinishReason::cancelled), "cancelled");
  EXPECT_EQ(to_string(FinishReason::error), "error");
}

}  // namespace
}  // namespace sparrow::engine
