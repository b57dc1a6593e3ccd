// Thousands of random mixes of requests: whatever runs beside a request, comes before it, is
// cancelled or put back for memory, its tokens are those it has alone on a cold engine.
#include <gtest/gtest.h>

#include <random>

#include "tests/support/engine_rig.h"

namespace sparrow::engine {
namespace {

// As little of a model as can be: it runs thousands of times under sanitizers and emulators.
std::vector<std::byte> small_model() {
  test_support::TinyModel model = test_support::tiny_model("qwen2");
  model.layer_count = 1;
  model.hidden_size = 32;
  model.head_count = 2;
  model.kv_head_count = 1;
  model.ffn_size = 32;
  return test_support::tiny_gguf(model);
}

struct Kind {
  Ids prompt;
  SamplingParams params;
  Pooling pooling = Pooling::none;
  Answer alone;

  std::shared_ptr<OutputStream> submit(Rig& rig, Priority priority) const {
    Request request = {.prompt = prompt, .params = params, .priority = priority};
    request.pooling = pooling;
    return rig.engine().submit(request);
  }
};

// Prompts that begin like others, end inside them, and go on from their answers.
std::vector<Kind> kinds() {
  std::mt19937 random(3);
  const auto up_to = [&](int64_t n) {
    return static_cast<int64_t>(random() % static_cast<uint64_t>(n));
  };
  std::vector<Kind> all;
  for (int64_t i = 0; i < 48; ++i) {
    Kind kind;
    if (i >= 8) {
      const Kind& other = all[static_cast<size_t>(up_to(i))];
      Ids known = other.prompt;
      known.insert(known.end(), other.alone.ids.begin(), other.alone.ids.end());
      const int64_t count = std::min<int64_t>(static_cast<int64_t>(known.size()), 1 + up_to(100));
      kind.prompt.assign(known.begin(), known.begin() + count);
    }
    for (const TokenId id : some_prompt(up_to(30) + (i < 8 ? 1 : 0), i)) kind.prompt.push_back(id);
    const int64_t room = 160 - static_cast<int64_t>(kind.prompt.size());
    kind.params = random_draws(std::min<int64_t>(room, 1 + up_to(30)), i);
    if (i % 3 == 0) kind.params.temperature = 0;
    if (i % 5 == 0) kind.params.logprobs = 2;
    if (i % 6 == 1) kind.params.prompt_logprobs = 1;
    if (i % 8 == 5) kind.pooling = i % 16 == 5 ? Pooling::mean : Pooling::cls;
    Rig rig(small_model(), {});
    const std::shared_ptr<OutputStream> stream = kind.submit(rig, Priority::interactive);
    rig.run();
    kind.alone = Rig::read(*stream);
    if (kind.params.prompt_logprobs >= 0) {
      EXPECT_EQ(kind.alone.prompt_tokens.size() + 1, kind.prompt.size());
    }
    all.push_back(std::move(kind));
  }
  return all;
}

void expect_equal(const Answer& found, const Answer& alone) {
  ASSERT_EQ(found.ids, alone.ids);
  EXPECT_EQ(found.last.embedding, alone.last.embedding);
  EXPECT_EQ(found.text, alone.text);
  EXPECT_EQ(found.last.finish_reason, alone.last.finish_reason);
  for (size_t i = 0; i < found.tokens.size(); ++i)
    EXPECT_EQ(found.tokens[i].logprob, alone.tokens[i].logprob);
  ASSERT_EQ(found.prompt_tokens.size(), alone.prompt_tokens.size());
  for (size_t i = 0; i < found.prompt_tokens.size(); ++i)
    EXPECT_EQ(found.prompt_tokens[i].logprob, alone.prompt_tokens[i].logprob);
}

struct Pool {
  int64_t tokens;  // from what one long request needs to what many do
  int64_t chunk;
};

class Mixes : public testing::TestWithParam<Pool> {
 protected:
  int64_t up_to(int64_t n) { return static_cast<int64_t>(random_() % static_cast<uint64_t>(n)); }
  std::mt19937 random_{7};
};

TEST_P(Mixes, of_any_requests_give_each_the_tokens_it_has_alone) {
  static const std::vector<Kind> known = kinds();
  const auto [tokens, chunk] = GetParam();
  Rig rig(small_model(), {.context_length = tokens, .prefill_chunk = chunk});
  int64_t cached = 0;
  int64_t cancelled = 0;
  for (int round = 0; round < 350; ++round) {
    struct Started {
      const Kind* kind;
      std::shared_ptr<OutputStream> stream;
      bool may_be_cancelled = false;
    };
    std::vector<Started> started;
    for (int64_t count = 1 + up_to(9); count > 0; --count) {
      const Kind& kind = known[static_cast<size_t>(up_to(static_cast<int64_t>(known.size())))];
      const Priority priority = up_to(3) == 0 ? Priority::batch : Priority::interactive;
      started.push_back({&kind, kind.submit(rig, priority)});
      for (int64_t steps = up_to(6); steps > 0; --steps) rig.step();
      if (up_to(6) == 0) {
        Started& one = started[static_cast<size_t>(up_to(static_cast<int64_t>(started.size())))];
        one.stream->cancel();
        one.may_be_cancelled = true;
      }
    }
    rig.run();
    for (const Started& one : started) {
      const Answer answer = Rig::read(*one.stream);
      const Ids& alone = one.kind->alone.ids;
      cached += answer.stats.cached_tokens;
      if (one.may_be_cancelled && answer.last.finish_reason == FinishReason::cancelled) {
        ++cancelled;
        ASSERT_LE(answer.ids.size(), alone.size());
        EXPECT_TRUE(std::equal(answer.ids.begin(), answer.ids.end(), alone.begin()));
      } else {
        expect_equal(answer, one.kind->alone);
      }
    }
    ASSERT_EQ(used_blocks(rig.engine()), 0);
  }
  EXPECT_GT(cached, 1000);
  EXPECT_GT(cancelled, 20);
  if (tokens < 500) {
    EXPECT_GT(rig.engine().stats().preemption_count, 20);
  }
}

INSTANTIATE_TEST_SUITE_P(, Mixes,
                         testing::Values(Pool{160, 5}, Pool{160, 64}, Pool{192, 5}, Pool{192, 64},
                                         Pool{512, 5}, Pool{512, 64}),
                         [](const auto& info) {
                           return std::to_string(info.param.tokens) + "_tokens_in_chunks_of_" +
                                  std::to_string(info.param.chunk);
                         });

}  // namespace
}  // namespace sparrow::engine
