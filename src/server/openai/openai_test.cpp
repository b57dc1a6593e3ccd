// OpenAI's routes over real sockets, on a tiny model.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/error.h"
#include "server/wire.h"
#include "tests/support/loaded_model.h"
#include "tests/support/service_rig.h"

namespace sparrow {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

class OpenAi : public testing::Test, protected test_support::ServiceRig {
 protected:
  OpenAi() : ServiceRig(OfFile()) {}

  // Greedy, of a length of its own, so that answers can be compared.
  static Json chat(Json more = Json::object()) {
    Json body = {{"model", "tiny"},
                 {"messages", {{{"role", "user"}, {"content", "hello"}}}},
                 {"temperature", 0},
                 {"ignore_eos", true},
                 {"max_tokens", 8}};
    body.update(more);
    return body;
  }
  static Json completion(Json more = Json::object()) {
    Json body = {{"model", "tiny"},
                 {"prompt", "hello"},
                 {"temperature", 0},
                 {"ignore_eos", true},
                 {"max_tokens", 8}};
    body.update(more);
    return body;
  }
  void expect_refused(const std::string& target, const Json& body, const std::string& parameter,
                      const std::string& message, int status = 400) {
    const Answer answer = post(target, body);
    EXPECT_EQ(answer.status, status) << to_wire(body) << answer.body;
    const Json error = answer.json.value("error", Json::object());
    EXPECT_THAT(error.value("message", ""), HasSubstr(message));
    EXPECT_EQ(error.value("param", Json()), parameter.empty() ? Json() : Json(parameter))
        << answer.body;
  }
};

TEST_F(OpenAi, chats_with_all_that_a_completion_has) {
  const Answer answer = post("/v1/chat/completions", chat());
  ASSERT_EQ(answer.status, 200) << answer.body;
  EXPECT_THAT(answer.json["id"].get<std::string>(), StartsWith("chatcmpl-"));
  EXPECT_EQ(answer.json["object"], "chat.completion");
  EXPECT_EQ(answer.json["model"], "tiny");
  const Json& choice = answer.json["choices"][0];
  EXPECT_EQ(choice["index"], 0);
  EXPECT_EQ(choice["message"]["role"], "assistant");
  EXPECT_EQ(choice["finish_reason"], "length");
  EXPECT_TRUE(choice["logprobs"].is_null());
  const Json& usage = answer.json["usage"];
  EXPECT_EQ(usage["completion_tokens"], 8);
  EXPECT_EQ(usage["total_tokens"], usage["prompt_tokens"].get<int>() + 8);
}

TEST_F(OpenAi, streams_the_same_text_role_first_and_usage_last) {
  const Answer whole = post("/v1/chat/completions", chat());
  const Answer stream =
      post("/v1/chat/completions",
           chat({{"stream", true}, {"stream_options", {{"include_usage", true}}}}));
  ASSERT_EQ(stream.status, 200);
  EXPECT_TRUE(stream.is_done);
  ASSERT_GE(stream.events.size(), 4u);
  EXPECT_EQ(stream.events.front().second["choices"][0]["delta"],
            (Json{{"role", "assistant"}, {"content", ""}}));
  std::string text;
  for (const auto& [name, event] : stream.events) {
    EXPECT_EQ(event["object"], "chat.completion.chunk");
    for (const Json& choice : event["choices"]) text += choice["delta"].value("content", "");
  }
  EXPECT_EQ(text, whole.json["choices"][0]["message"]["content"]);
  const Json& end = stream.events[stream.events.size() - 2].second;
  EXPECT_EQ(end["choices"][0]["finish_reason"], "length");
  EXPECT_EQ(end["choices"][0]["delta"], Json::object());
  EXPECT_TRUE(end["usage"].is_null());
  EXPECT_EQ(stream.events.back().second["choices"], Json::array());
  EXPECT_EQ(stream.events.back().second["usage"]["completion_tokens"], 8);
}

TEST_F(OpenAi, gives_logprobs_of_a_chat_streamed_and_whole) {
  const Json wanted = {{"logprobs", true}, {"top_logprobs", 3}};
  const Answer whole = post("/v1/chat/completions", chat(wanted));
  const Json& content = whole.json["choices"][0]["logprobs"]["content"];
  ASSERT_EQ(content.size(), 8u) << whole.body;
  for (const Json& token : content) {
    EXPECT_LE(token["logprob"].get<double>(), 0);
    ASSERT_EQ(token["top_logprobs"].size(), 3u);
    EXPECT_EQ(token["top_logprobs"][0]["token"], token["token"]);  // greedy
    EXPECT_TRUE(token["bytes"].is_array());
  }
  Json both = wanted;
  both["stream"] = true;
  const Answer stream = post("/v1/chat/completions", chat(both));
  Json streamed = Json::array();
  for (const auto& [name, event] : stream.events) {
    const Json& logprobs = event["choices"][0]["logprobs"];
    if (!logprobs.is_null())
      streamed.insert(streamed.end(), logprobs["content"].begin(), logprobs["content"].end());
  }
  EXPECT_EQ(streamed, content);
}

TEST_F(OpenAi, gives_n_answers_with_seeds_of_their_own) {
  const Answer answer =
      post("/v1/chat/completions",
           chat({{"n", 3}, {"temperature", 1.5}, {"seed", 7}, {"max_tokens", 16}}));
  ASSERT_EQ(answer.json["choices"].size(), 3u) << answer.body;
  const auto text = [&](size_t i) { return answer.json["choices"][i]["message"]["content"]; };
  EXPECT_NE(text(0), text(1));
  EXPECT_EQ(answer.json["usage"]["completion_tokens"], 48);
  const Answer again =
      post("/v1/chat/completions", chat({{"temperature", 1.5}, {"seed", 8}, {"max_tokens", 16}}));
  EXPECT_EQ(again.json["choices"][0]["message"]["content"], text(1));
}

TEST_F(OpenAi, obeys_bias_allowed_tokens_and_stops) {
  const Answer biased =
      post("/v1/chat/completions", chat({{"logit_bias", {{"64", 100}}}, {"max_tokens", 4}}));
  EXPECT_EQ(biased.json["choices"][0]["message"]["content"], "aaaa") << biased.body;
  const Json allowed = {{"allowed_token_ids", {64}}, {"max_tokens", 4}};
  EXPECT_EQ(post("/v1/completions", completion(allowed)).json["choices"][0]["text"], "aaaa");
  const Answer stopped = post(
      "/v1/completions",
      completion(
          {{"logit_bias", {{"64", 100}}}, {"stop", "aaa"}, {"include_stop_str_in_output", true}}));
  EXPECT_EQ(stopped.json["choices"][0]["text"], "aaa");
  EXPECT_EQ(stopped.json["choices"][0]["stop_reason"], "aaa");
  EXPECT_EQ(stopped.json["choices"][0]["finish_reason"], "stop");
  const Answer by_id = post("/v1/completions",
                            completion({{"logit_bias", {{"64", 100}}}, {"stop_token_ids", {64}}}));
  EXPECT_EQ(by_id.json["choices"][0]["text"], "");
  EXPECT_EQ(by_id.json["choices"][0]["stop_reason"], 64);
}

TEST_F(OpenAi, completes_every_form_of_a_prompt_in_order) {
  const Answer text = post("/v1/completions", completion({{"prompt", {"hello", "there"}}}));
  ASSERT_EQ(text.json["choices"].size(), 2u) << text.body;
  EXPECT_EQ(text.json["choices"][1]["index"], 1);
  const Json hello = {71, 68, 75, 75, 78};
  const Answer ids = post("/v1/completions", completion({{"prompt", hello}}));
  ASSERT_EQ(ids.json["choices"].size(), 1u) << ids.body;
  EXPECT_EQ(ids.json["usage"]["prompt_tokens"], 5);
  const Answer lists = post("/v1/completions", completion({{"prompt", {hello, {64}}}, {"n", 2}}));
  ASSERT_EQ(lists.json["choices"].size(), 4u) << lists.body;
  EXPECT_EQ(lists.json["choices"][1]["text"], ids.json["choices"][0]["text"]);
  EXPECT_EQ(lists.json["usage"]["prompt_tokens"], 6);
  EXPECT_EQ(lists.json["usage"]["completion_tokens"], 32);
}

// What lm-eval's local-completions sends.
TEST_F(OpenAi, echoes_a_prompt_with_its_logprobs) {
  const Json ids = {71, 68, 75, 75, 78};
  const Answer answer = post(
      "/v1/completions",
      completion(
          {{"prompt", {ids}}, {"max_tokens", 1}, {"logprobs", 1}, {"echo", true}, {"seed", 1234}}));
  ASSERT_EQ(answer.status, 200) << answer.body;
  const Json& choice = answer.json["choices"][0];
  const Json& logprobs = choice["logprobs"];
  EXPECT_THAT(choice["text"].get<std::string>(), StartsWith("hello"));
  ASSERT_EQ(logprobs["tokens"].size(), 6u);
  ASSERT_EQ(logprobs["token_logprobs"].size(), 6u);
  EXPECT_TRUE(logprobs["token_logprobs"][0].is_null());
  EXPECT_TRUE(logprobs["top_logprobs"][0].is_null());
  EXPECT_EQ(logprobs["tokens"][1], "e");
  EXPECT_EQ(logprobs["text_offset"], (Json{0, 1, 2, 3, 4, 5}));
  const std::shared_ptr<Engine> engine = service().state().models.acquire("tiny");
  const std::vector<int32_t> context = {71};
  const std::vector<int32_t> rest = {68, 75, 75, 78};
  const Likelihood expected = engine->log_likelihood(context, rest);
  for (size_t i = 0; i < 4; ++i) {
    EXPECT_NEAR(logprobs["token_logprobs"][i + 1].get<double>(),
                static_cast<double>(expected.tokens[i].logprob), 1e-5);
    EXPECT_EQ(logprobs["top_logprobs"][i + 1].size(), expected.tokens[i].rank == 1 ? 1u : 2u);
  }
}

// The same request for prompts of several lengths, also beyond a block of the cache, against the
// plain forward pass: nothing of the engine, its cache or its samplers has a part in the numbers
// that are expected. The fast products add in another order than the plain ones.
TEST_F(OpenAi, scores_what_lm_eval_sends_as_the_reference_forward_pass_does) {
  constexpr double kTolerance = 1e-4;
  std::vector<std::vector<int32_t>> prompts = {{71, 68}, {71, 68, 75, 75, 78}, {}};
  for (int32_t i = 0; i < 75; ++i) prompts[2].push_back((i * i * 7 + i * 3 + 5) % 256);
  const Json body = {{"model", "tiny"}, {"prompt", prompts}, {"temperature", 0}, {"max_tokens", 1},
                     {"logprobs", 1},   {"seed", 1234},      {"echo", true}};
  const Answer answer = post("/v1/completions", body);
  ASSERT_EQ(answer.json["choices"].size(), prompts.size()) << answer.body;
  test_support::LoadedModel reference(test_support::tiny_gguf(test_support::tiny_model("qwen2")));
  constexpr size_t kVocabulary = static_cast<size_t>(test_support::kTinyVocabulary);
  for (size_t p = 0; p < prompts.size(); ++p) {
    const std::vector<int32_t>& ids = prompts[p];
    const std::vector<float> logits = reference.run(ids, static_cast<int64_t>(ids.size()));
    const Json& choice = answer.json["choices"][p];
    EXPECT_EQ(choice["index"], p);
    const Json& logprobs = choice["logprobs"];
    ASSERT_EQ(logprobs["token_logprobs"].size(), ids.size() + 1) << answer.body;
    EXPECT_TRUE(logprobs["token_logprobs"][0].is_null());
    EXPECT_TRUE(logprobs["top_logprobs"][0].is_null());
    for (size_t i = 0; i < ids.size(); ++i) {
      const std::span<const float> row(&logits[i * kVocabulary], kVocabulary);
      double sum = 0;
      for (const float logit : row) sum += std::exp(double{logit});
      const auto best = std::ranges::max_element(row);
      const double best_logprob = double{*best} - std::log(sum);
      const int32_t best_id = static_cast<int32_t>(best - row.begin());
      const bool is_prompt = i + 1 < ids.size();
      const int32_t next = is_prompt ? ids[i + 1] : best_id;
      const std::string what = fmt::format("prompt {}, token {}", p, i + 1);
      EXPECT_NEAR(logprobs["token_logprobs"][i + 1].get<double>(),
                  double{row[static_cast<size_t>(next)]} - std::log(sum), kTolerance)
          << what;
      double top = -1e9;
      for (const auto& [name, value] : logprobs["top_logprobs"][i + 1].items())
        top = std::max(top, value.get<double>());
      EXPECT_NEAR(top, best_logprob, kTolerance) << what;
      if (next >= 94) continue;  // not printable, or more than a byte
      EXPECT_EQ(logprobs["tokens"][i + 1], std::string(1, static_cast<char>('!' + next))) << what;
    }
  }
}

TEST_F(OpenAi, counts_the_end_of_an_answer_behind_an_echoed_prompt) {
  const Answer answer = post("/v1/completions", completion({{"max_tokens", 1},
                                                            {"logprobs", 0},
                                                            {"echo", true},
                                                            {"ignore_eos", false},
                                                            {"prompt", {71, 68}},
                                                            {"logit_bias", {{"262", 100}}}}));
  const Json& logprobs = answer.json["choices"][0]["logprobs"];
  EXPECT_EQ(logprobs["tokens"], (Json{"h", "e", "<|im_end|>"})) << answer.body;
  EXPECT_TRUE(logprobs["token_logprobs"][2].is_null());
}

TEST_F(OpenAi, streams_completions_of_several_prompts) {
  const Json two = {{"prompt", {"hello", "there"}}, {"echo", true}};
  const Answer whole = post("/v1/completions", completion(two));
  Json both = two;
  both["stream"] = true;
  const Answer stream = post("/v1/completions", completion(both));
  std::string texts[2];
  for (const auto& [name, event] : stream.events) {
    const Json& choice = event["choices"][0];
    texts[choice["index"].get<size_t>()] += choice["text"].get<std::string>();
  }
  EXPECT_TRUE(stream.is_done);
  for (size_t i = 0; i < 2; ++i) EXPECT_EQ(texts[i], whole.json["choices"][i]["text"]);
}

TEST_F(OpenAi, gives_the_best_of_several_answers) {
  const Json wide = {{"temperature", 1.5}, {"seed", 3}, {"logprobs", 0}};
  Json all = wide;
  all["n"] = 4;
  const Answer every = post("/v1/completions", completion(all));
  Json one = wide;
  one["best_of"] = 4;
  const Answer best = post("/v1/completions", completion(one));
  ASSERT_EQ(best.json["choices"].size(), 1u) << best.body;
  const auto mean = [](const Json& choice) {
    double sum = 0;
    for (const Json& logprob : choice["logprobs"]["token_logprobs"]) sum += logprob.get<double>();
    return sum / static_cast<double>(choice["logprobs"]["token_logprobs"].size());
  };
  for (const Json& choice : every.json["choices"])
    EXPECT_GE(mean(best.json["choices"][0]), mean(choice) - 1e-9);
  EXPECT_EQ(best.json["usage"]["completion_tokens"], 32);
}

TEST_F(OpenAi, gives_prompt_logprobs_as_vllm_does) {
  const Answer answer =
      post("/v1/completions", completion({{"prompt", {71, 68, 75}}, {"prompt_logprobs", 2}}));
  const Json& list = answer.json["choices"][0]["prompt_logprobs"];
  ASSERT_EQ(list.size(), 3u) << answer.body;
  EXPECT_TRUE(list[0].is_null());
  EXPECT_EQ(list[1]["68"]["decoded_token"], "e");
  const Answer talk = post("/v1/chat/completions", chat({{"prompt_logprobs", 0}}));
  EXPECT_EQ(static_cast<int>(talk.json["prompt_logprobs"].size()),
            talk.json["usage"]["prompt_tokens"]);
  const Answer named =
      post("/v1/completions", completion({{"logprobs", 1}, {"return_tokens_as_token_ids", true}}));
  EXPECT_THAT(named.json["choices"][0]["logprobs"]["tokens"][0].get<std::string>(),
              StartsWith("token_id:"));
}

TEST_F(OpenAi, embeds_as_numbers_and_as_base64) {
  const Json input = {{"model", "tiny"}, {"input", {"hello", "there"}}};
  const Answer floats = post("/v1/embeddings", input);
  ASSERT_EQ(floats.status, 200) << floats.body;
  ASSERT_EQ(floats.json["data"].size(), 2u);
  const auto vector = floats.json["data"][1]["embedding"].get<std::vector<float>>();
  ASSERT_EQ(vector.size(), 64u);
  double square = 0;
  for (const float value : vector) square += static_cast<double>(value * value);
  EXPECT_NEAR(square, 1, 1e-5);
  Json coded = input;
  coded["encoding_format"] = "base64";
  const Answer base64 = post("/v1/embeddings", coded);
  const std::string text = base64.json["data"][1]["embedding"].get<std::string>();
  ASSERT_EQ(text.size(), 344u);  // 256 bytes
  EXPECT_TRUE(text.ends_with("=="));
  // The first number by hand: six digits of six bits hold its four bytes.
  const std::string digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  uint64_t bits = 0;
  for (size_t i = 0; i < 6; ++i) bits = bits << 6 | digits.find(text[i]);
  bits >>= 4;
  const uint32_t word = static_cast<uint32_t>((bits & 0xFF) << 24 | (bits >> 8 & 0xFF) << 16 |
                                              (bits >> 16 & 0xFF) << 8 | (bits >> 24 & 0xFF));
  float first = 0;
  std::memcpy(&first, &word, sizeof(first));
  EXPECT_FLOAT_EQ(first, vector[0]);
}

TEST_F(OpenAi, shortens_embeddings_and_takes_ids) {
  const Answer ids =
      post("/v1/embeddings", {{"model", "tiny"}, {"input", {{71, 68}, {64}}}, {"dimensions", 8}});
  ASSERT_EQ(ids.status, 200) << ids.body;
  EXPECT_EQ(ids.json["usage"], (Json{{"prompt_tokens", 3}, {"total_tokens", 3}}));
  double square = 0;
  for (const Json& value : ids.json["data"][0]["embedding"])
    square += value.get<double>() * value.get<double>();
  EXPECT_NEAR(square, 1, 1e-5);
  expect_refused("/v1/embeddings", {{"model", "tiny"}, {"input", "a"}, {"dimensions", 65}},
                 "dimensions", "[1, 64], got 65");
  expect_refused("/v1/embeddings", {{"model", "tiny"}, {"input", {1.5}}}, "input[0]", "token id");
  expect_refused("/v1/embeddings", {{"model", "tiny"}}, "input", "required");
}

TEST_F(OpenAi, lists_models_and_shows_one) {
  const Answer list = send("GET", "/v1/models");
  EXPECT_EQ(list.json["object"], "list");
  EXPECT_EQ(list.json["data"][0]["id"], "tiny");
  EXPECT_EQ(list.json["data"][0]["object"], "model");
  EXPECT_EQ(send("GET", "/v1/models/tiny").json["id"], "tiny");
  const Answer missing = send("GET", "/v1/models/a%2Fb:c");
  EXPECT_EQ(missing.status, 404);
  EXPECT_EQ(missing.json["error"]["code"], "model_not_found");
}

TEST_F(OpenAi, names_the_field_at_fault) {
  const std::string chats = "/v1/chat/completions";
  expect_refused(chats, chat({{"temperature", "hot"}}), "temperature", "temperature must be");
  expect_refused(chats, chat({{"stream", 1}}), "stream", "true or false, got a number");
  expect_refused(chats, chat({{"messages", {{{"role", "user"}, {"content", 3}}}}}),
                 "messages[0].content", "must be a string");
  expect_refused(chats, chat({{"messages", Json::array()}}), "messages", "at least one");
  expect_refused(chats, {{"model", "tiny"}}, "messages", "required");
  expect_refused(chats, chat({{"n", 9}}), "n", "[1, 8], got 9");
  expect_refused(chats, chat({{"top_logprobs", 2}}), "top_logprobs", "logprobs");
  expect_refused(chats, chat({{"logprobs", true}, {"top_logprobs", 21}}), "top_logprobs", "20");
  expect_refused(chats, chat({{"model", "absent"}}), "model", "model 'absent' not found", 404);
  expect_refused("/v1/completions", completion({{"best_of", 9}}), "best_of", "[1, 8], got 9");
  expect_refused("/v1/completions", completion({{"n", 3}, {"best_of", 2}}), "best_of",
                 "at least n");
  expect_refused("/v1/completions", completion({{"suffix", "end"}}), "suffix", "infill");
  expect_refused("/v1/completions", completion({{"prompt", {{1}, "a", 3}}}), "prompt[2]", "string");
  expect_refused("/v1/completions", completion({{"prompt", {1, 263}}}), "prompt[1]", "263");
  EXPECT_EQ(post(chats, chat({{"nonsense", {1}}, {"reasoning_effort", "high"}})).status, 200);
}

TEST_F(OpenAi, says_when_a_prompt_is_too_long) {
  const Answer answer =
      post("/v1/completions", completion({{"prompt", std::string(600, 'x')}, {"stream", true}}));
  EXPECT_EQ(answer.status, 400);
  EXPECT_EQ(answer.json["error"]["code"], "context_length_exceeded") << answer.body;
  // What clients that are given no code look for, to shorten a conversation.
  EXPECT_THAT(answer.json["error"]["message"].get<std::string>(),
              testing::HasSubstr("prompt is too long: 600 tokens"));
}

TEST_F(OpenAi, refuses_what_needs_constrained_decoding) {
  const std::string chats = "/v1/chat/completions";
  const Json tool = {{"type", "function"}, {"function", {{"name", "f"}, {"strict", true}}}};
  expect_refused(chats, chat({{"response_format", {{"type", "json_object"}}}}), "response_format",
                 "constrained decoding");
  expect_refused(chats, chat({{"structured_outputs", {{"regex", "a"}}}}), "structured_outputs",
                 "constrained decoding");
  expect_refused(chats, chat({{"tools", Json::array({tool})}}), "tools[0].function.strict",
                 "constrained decoding");
  expect_refused(chats, chat({{"tool_choice", "required"}}), "tool_choice", "constrained decoding");
  expect_refused(
      "/v1/responses",
      {{"model", "tiny"}, {"input", "hello"}, {"text", {{"format", {{"type", "json_schema"}}}}}},
      "text.format", "constrained decoding");
}

TEST_F(OpenAi, answers_odd_values_of_any_field_with_200_or_400) {
  const std::vector<Json> values = {true,
                                    -1,
                                    0.5,
                                    UINT64_MAX,
                                    "x",
                                    Json::array(),
                                    Json::object(),
                                    Json::array({Json::array()}),
                                    Json::array({Json::object()}),
                                    Json::array({-1, 1}),
                                    {{"15", 1e9}}};
  const std::pair<std::string, Json> routes[] = {
      {"/v1/chat/completions", chat()},
      {"/v1/completions", completion()},
      {"/v1/embeddings", {{"model", "tiny"}, {"input", "a"}}},
      {"/v1/responses", {{"model", "tiny"}, {"input", "a"}, {"max_output_tokens", 2}}}};
  for (const auto& [route, base] : routes) {
    for (const char* field : {"messages",    "prompt",
                              "input",       "stream",
                              "n",           "stream_options",
                              "best_of",     "echo",
                              "logprobs",    "top_logprobs",
                              "suffix",      "max_tokens",
                              "stop",        "temperature",
                              "seed",        "max_output_tokens",
                              "logit_bias",  "tools",
                              "tool_choice", "response_format",
                              "text",        "instructions",
                              "dimensions",  "encoding_format",
                              "include",     "stop_token_ids",
                              "min_tokens",  "allowed_token_ids",
                              "bad_words",   "prompt_logprobs",
                              "store",       "truncate_prompt_tokens",
                              "priority",    "repetition_penalty"}) {
      for (const Json& value : values) {
        Json body = base;
        body[field] = value;
        const int status = post(route, body).status;
        EXPECT_TRUE(status == 200 || status == 400) << status << route << to_wire(body);
      }
    }
  }
}

class Responses : public OpenAi {
 protected:
  static Json request(Json more = Json::object()) {
    Json body = {{"model", "tiny"},
                 {"input", "hello"},
                 {"temperature", 0},
                 {"ignore_eos", true},
                 {"max_output_tokens", 8}};
    body.update(more);
    return body;
  }
};

TEST_F(Responses, are_objects_with_items) {
  const Answer answer = post("/v1/responses", request({{"instructions", "be short"}}));
  ASSERT_EQ(answer.status, 200) << answer.body;
  EXPECT_THAT(answer.json["id"].get<std::string>(), StartsWith("resp_"));
  EXPECT_EQ(answer.json["object"], "response");
  EXPECT_EQ(answer.json["status"], "incomplete");
  EXPECT_EQ(answer.json["incomplete_details"]["reason"], "max_output_tokens");
  const Json& item = answer.json["output"][0];
  EXPECT_EQ(item["type"], "message");
  EXPECT_EQ(item["content"][0]["type"], "output_text");
  EXPECT_EQ(answer.json["usage"]["output_tokens"], 8);
  EXPECT_EQ(answer.json["usage"]["output_tokens_details"]["reasoning_tokens"], 0);
  const Json bias = {{"logit_bias", {{"262", 100}}}, {"ignore_eos", false}};
  EXPECT_EQ(post("/v1/responses", request(bias)).json["status"], "completed");
}

TEST_F(Responses, stream_their_events_in_order) {
  const Answer stream = post("/v1/responses", request({{"stream", true}}));
  std::vector<std::string> types;
  std::string text;
  for (size_t i = 0; i < stream.events.size(); ++i) {
    const Json& event = stream.events[i].second;
    EXPECT_EQ(event["sequence_number"], i);
    const std::string type = event["type"].get<std::string>();
    if (type == "response.output_text.delta") text += event["delta"].get<std::string>();
    if (types.empty() || types.back() != type) types.push_back(type);
  }
  EXPECT_EQ(types, (std::vector<std::string>{
                       "response.created", "response.in_progress", "response.output_item.added",
                       "response.content_part.added", "response.output_text.delta",
                       "response.output_text.done", "response.content_part.done",
                       "response.output_item.done", "response.incomplete"}));
  EXPECT_THAT(stream.body, StartsWith("event: response.created\ndata: {\"type\":"));
  EXPECT_FALSE(stream.is_done);
  const Json& end = stream.events.back().second["response"];
  EXPECT_EQ(end["output"][0]["content"][0]["text"], text);
  const Answer whole = post("/v1/responses", request());
  EXPECT_EQ(whole.json["output"][0]["content"][0]["text"], text);
}

TEST_F(Responses, are_kept_gone_on_from_and_deleted) {
  const Answer first = post("/v1/responses", request());
  const std::string id = first.json["id"].get<std::string>();
  EXPECT_EQ(send("GET", "/v1/responses/" + id).json, first.json);
  const Answer second =
      post("/v1/responses", request({{"input", "more"}, {"previous_response_id", id}}));
  ASSERT_EQ(second.status, 200) << second.body;
  EXPECT_GT(second.json["usage"]["input_tokens"], first.json["usage"]["input_tokens"]);
  const Json replay = {{{"role", "user"}, {"content", "hello"}},
                       first.json["output"][0],
                       {{"type", "message"}, {"role", "user"}, {"content", "more"}}};
  const Answer stateless = post("/v1/responses", request({{"input", replay}, {"store", false}}));
  EXPECT_EQ(stateless.json["output"][0]["content"], second.json["output"][0]["content"]);
  EXPECT_EQ(send("GET", "/v1/responses/" + stateless.json["id"].get<std::string>()).status, 404);
  EXPECT_EQ(send("DELETE", "/v1/responses/" + id).json["deleted"], true);
  EXPECT_EQ(send("GET", "/v1/responses/" + id).status, 404);
  expect_refused("/v1/responses", request({{"previous_response_id", id}}), "previous_response_id",
                 "not found");
}

TEST_F(Responses, take_calls_and_their_outputs_as_items) {
  const Json items = {
      {{"role", "developer"}, {"content", "use tools"}},
      {{"role", "user"}, {"content", {{{"type", "input_text"}, {"text", "weather?"}}}}},
      {{"type", "function_call"}, {"call_id", "c1"}, {"name", "f"}, {"arguments", "{}"}},
      {{"type", "function_call_output"}, {"call_id", "c1"}, {"output", "sunny"}}};
  const Json tools = {{{"type", "function"}, {"name", "f"}, {"strict", false}}};
  const Answer answer =
      post("/v1/responses", request({{"input", items}, {"tools", tools}, {"tool_choice", "none"}}));
  EXPECT_EQ(answer.status, 200) << answer.body;
  expect_refused("/v1/responses", request({{"tools", {{{"type", "web_search"}}}}}), "tools[0].type",
                 "must be function, got web_search");
  expect_refused("/v1/responses", request({{"input", {{{"type", "item_reference"}}}}}),
                 "input[0].type", "item_reference");
  expect_refused("/v1/responses", request({{"background", true}}), "background", "not supported");
}

}  // namespace
}  // namespace sparrow
