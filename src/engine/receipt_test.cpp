#include "engine/receipt.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "base/hash.h"
#include "tests/support/engine_rig.h"
#include "tests/support/tiny_lora.h"
#include "tests/support/tiny_model.h"

namespace sparrow::engine {
namespace {

using testing::HasSubstr;

Request with_receipt(ReceiptKind kind, const SamplingParams& params) {
  return {.prompt = some_prompt(40), .params = params, .receipt = kind};
}

Answer run(Rig& rig, const Request& request) {
  const std::shared_ptr<OutputStream> stream = rig.engine().submit(request);
  rig.run();
  return Rig::read(*stream);
}

TEST(Receipt, a_digest_is_of_the_ids_as_little_endian_numbers) {
  const std::vector<int32_t> ids = {1, 0x01020304};
  EXPECT_EQ(token_digest(ids), sha256_hex(std::string_view("\1\0\0\0\4\3\2\1", 8)));
  EXPECT_EQ(token_digest({}), sha256_hex(""));
}

TEST(Receipt, says_what_the_answer_was_made_from_and_what_it_was) {
  Rig rig;
  SamplingParams params = random_draws(12, 7);
  params.seed.reset();
  const Answer answer = run(rig, with_receipt(ReceiptKind::digests, params));
  const Json receipt = parse_json(answer.last.receipt, "receipt");
  EXPECT_EQ(receipt["answer"]["tokens"], 12);
  EXPECT_EQ(receipt["answer"]["sha256"], token_digest(answer.ids));
  EXPECT_EQ(receipt["answer"]["finish_reason"], "length");
  EXPECT_EQ(receipt["prompt"]["sha256"], token_digest(some_prompt(40)));
  EXPECT_EQ(receipt["params"]["seed"], answer.stats.seed);
  EXPECT_EQ(receipt["params"]["max_tokens"], 12);
  EXPECT_EQ(receipt["model"]["sha256"].get<std::string>().size(), 64u);
  EXPECT_EQ(receipt["engine"]["kv_cache_type"], "f16");
  EXPECT_FALSE(receipt["prompt"].contains("ids"));
  EXPECT_FALSE(receipt.contains("adapter"));
  EXPECT_EQ(run(rig, with_receipt(ReceiptKind::none, params)).last.receipt, "");
}

TEST(Receipt, the_request_it_holds_gives_the_same_answer_elsewhere) {
  Rig rig({}, "llama");
  const std::vector<std::byte> lora =
      test_support::tiny_lora_gguf(test_support::tiny_model("llama"), {.seed = "a"});
  rig.engine().load_adapter("tone", *GgufFile::parse(lora, "tone"));
  SamplingParams params = random_draws(-1, 0);
  params.seed.reset();
  params.temperature = 1.3;
  params.logit_bias = {{17, 1.25}};
  Request request = with_receipt(ReceiptKind::full, params);
  request.adapter = "tone";
  request.adapter_scale = 0.7f;
  request.rope_scaling = parse_rope_scaling("linear:1.5");
  request.context_length = 90;
  const Answer answer = run(rig, request);
  EXPECT_EQ(answer.ids.size(), 50u);

  const Receipt receipt = parse_receipt(answer.last.receipt);
  EXPECT_EQ(receipt.answer, answer.ids);
  Rig other({.prefill_chunk = 9}, "llama");
  other.engine().load_adapter("tone", *GgufFile::parse(lora, "tone"));
  run(other, with_receipt(ReceiptKind::none, random_draws(5, 1)));
  Request again = receipt.request;
  again.receipt = ReceiptKind::full;
  const Answer repeated = run(other, again);
  EXPECT_EQ(repeated.ids, answer.ids);
  EXPECT_EQ(repeated.last.receipt, answer.last.receipt);
}

TEST(Receipt, is_of_what_was_read_where_a_prompt_was_cut) {
  Rig rig;
  Request request = with_receipt(ReceiptKind::full, greedy(4));
  request.context_length = 30;
  request.context_policy = ContextPolicy::drop_oldest;
  const Receipt receipt = parse_receipt(run(rig, request).last.receipt);
  EXPECT_EQ(receipt.request.prompt.size(), 26u);
}

TEST(Receipt, of_an_embedding_is_refused) {
  Rig rig;
  Request request = with_receipt(ReceiptKind::digests, greedy(4));
  request.pooling = Pooling::mean;
  EXPECT_THROW(rig.engine().submit(request), Error);
}

TEST(Receipt, that_is_none_or_was_changed_is_refused) {
  Rig rig;
  const std::string text = run(rig, with_receipt(ReceiptKind::full, greedy(4))).last.receipt;
  const Json right = parse_json(text, "receipt");
  EXPECT_NO_THROW(parse_receipt(right.dump()));
  const auto refusal = [](const Json& json) -> std::string {
    try {
      parse_receipt(json.dump());
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::invalid_argument);
      return error.what();
    }
    return "taken";
  };
  for (const auto& [name, value] : right.items()) {
    Json without = right;
    without.erase(name);
    EXPECT_THAT(refusal(without), HasSubstr("'" + name + "'"));
    Json wrong = right;
    wrong[name] = "?";
    if (name != "model" && name != "template" && name != "engine") {
      EXPECT_NE(refusal(wrong), "taken") << name;
    }
  }
  Json other_ids = right;
  other_ids["answer"]["ids"][0] = 5000;
  EXPECT_THAT(refusal(other_ids), HasSubstr("not those of its digest"));
  Json later = right;
  later["receipt"] = 2;
  EXPECT_THAT(refusal(later), HasSubstr("format 1, got 2"));
  EXPECT_THAT(refusal(Json::array()), HasSubstr("a receipt has a member 'receipt'"));
}

TEST(Receipt, scores_begin_where_they_are_wanted_and_what_is_before_may_be_cached) {
  Rig rig;
  SamplingParams params = greedy(0);
  params.prompt_logprobs = 0;
  const Request whole = {.prompt = some_prompt(100), .params = params};
  const Answer expected = run(rig, whole);
  ASSERT_EQ(expected.prompt_tokens.size(), 99u);
  Request rest = whole;
  rest.score_from = 70;
  const Answer answer = run(rig, rest);
  EXPECT_EQ(answer.stats.cached_tokens, 69);
  ASSERT_EQ(answer.prompt_tokens.size(), 30u);
  for (size_t i = 0; i < 30; ++i)
    EXPECT_EQ(answer.prompt_tokens[i].logprob, expected.prompt_tokens[69 + i].logprob);
  rest.score_from = 101;
  EXPECT_THROW(rig.engine().submit(rest), Error);
}

}  // namespace
}  // namespace sparrow::engine
