#include "server/ollama/generation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "server/ollama/dialect.h"
#include "tests/support/service_rig.h"

namespace sparrow::ollama {
namespace {

using test_support::ServiceRig;
using testing::HasSubstr;

Json user(const std::string& text) { return Json::array({{{"role", "user"}, {"content", text}}}); }

Json chat_of(Json more = Json::object(), const std::string& model = "tiny") {
  Json body = {{"model", model}, {"messages", user("hello")}, {"stream", false}};
  body["options"] = {{"num_predict", 4}, {"seed", 1}};
  body.update(more);
  return body;
}

Json prompt_of(Json more = Json::object()) {
  Json body = {{"model", "tiny"}, {"prompt", "hello"}, {"stream", false}};
  body["options"] = {{"num_predict", 4}, {"seed", 1}};
  body.update(more);
  return body;
}

std::string error_of(const ServiceRig& rig, const std::string& path, const Json& body,
                     int status = 400) {
  return rig.post_json(path, body, status).value("error", "");
}

class GenerationTest : public testing::Test {
 protected:
  ServiceRig rig_;
};

TEST_F(GenerationTest, chat_streams_a_line_a_piece_and_ends_with_counts_and_durations) {
  const auto lines = ServiceRig::lines_of(rig_.post("/api/chat", chat_of({{"stream", true}})));
  ASSERT_GE(lines.size(), 1U);
  for (size_t i = 0; i + 1 < lines.size(); ++i) {
    EXPECT_EQ(lines[i]["done"], false);
    EXPECT_EQ(lines[i]["message"]["role"], "assistant");
  }
  const Json& last = lines.back();
  EXPECT_EQ(last["model"], "tiny");
  EXPECT_EQ(last["done"], true);
  EXPECT_EQ(last["message"], Json({{"role", "assistant"}, {"content", ""}}));
  EXPECT_THAT(last["done_reason"].get<std::string>(), testing::AnyOf("length", "stop"));
  EXPECT_GT(last["prompt_eval_count"], 0);
  EXPECT_GE(last["total_duration"].get<int64_t>(),
            last.value("load_duration", int64_t{0}) +
                last.value("prompt_eval_duration", int64_t{0}) +
                last.value("eval_duration", int64_t{0}));
}

TEST_F(GenerationTest, without_stream_the_same_text_comes_as_one_object) {
  const auto lines = ServiceRig::lines_of(rig_.post("/api/chat", chat_of({{"stream", true}})));
  std::string text;
  for (const Json& line : lines) text += line["message"]["content"].get<std::string>();
  const Json whole = rig_.post_json("/api/chat", chat_of());
  EXPECT_EQ(whole["message"]["content"], text);
  EXPECT_EQ(whole["done"], true);
}

TEST_F(GenerationTest, generate_gives_a_context_that_the_next_request_goes_on_from) {
  const Json first = rig_.post_json("/api/generate", prompt_of());
  ASSERT_TRUE(first["context"].is_array());
  const Json second = rig_.post_json("/api/generate", prompt_of({{"context", first["context"]}}));
  EXPECT_GT(second["prompt_eval_count"], first["prompt_eval_count"]);
  EXPECT_FALSE(rig_.post_json("/api/generate", prompt_of({{"raw", true}})).contains("context"));
  EXPECT_EQ(error_of(rig_, "/api/generate", prompt_of({{"raw", true}, {"system", "x"}})),
            "raw mode does not support template, system, or context");
  EXPECT_THAT(error_of(rig_, "/api/generate", prompt_of({{"context", {4294967296}}})),
              HasSubstr("context[0] must be a token id"));
}

TEST_F(GenerationTest, a_request_without_anything_to_answer_loads_and_unloads) {
  const Json loaded = rig_.post_json("/api/chat", {{"model", "tiny"}, {"messages", Json::array()}});
  EXPECT_EQ(loaded["done_reason"], "load");
  EXPECT_EQ(loaded["message"], Json({{"role", "assistant"}, {"content", ""}}));
  EXPECT_EQ(rig_.service().state().models.loaded().size(), 1U);
  const Json unloaded = rig_.post_json("/api/generate", {{"model", "tiny"}, {"keep_alive", 0}});
  EXPECT_EQ(unloaded["done_reason"], "unload");
  EXPECT_EQ(unloaded["response"], "");
  EXPECT_EQ(rig_.service().state().models.loaded().size(), 0U);
  const Json again = rig_.post_json("/api/generate", {{"model", "tiny"}, {"keep_alive", "0"}});
  EXPECT_EQ(again["done_reason"], "unload");
}

TEST_F(GenerationTest, keep_alive_takes_all_forms_and_refuses_others) {
  using std::chrono::milliseconds;
  const std::vector<std::pair<Json, KeepAlive>> forms = {
      {300, milliseconds(300'000)}, {"5m", milliseconds(300'000)},
      {"-1", std::nullopt},         {-1, std::nullopt},
      {"0", milliseconds(0)},       {0, milliseconds(0)},
      {0.5, milliseconds(500)},     {"1h30m", milliseconds(5'400'000)},
      {"-1m", std::nullopt}};
  for (const auto& [form, expected] : forms) {
    const Json request = {{"keep_alive", form}};
    EXPECT_EQ(parse_keep_alive(JsonFields(request)).value(), expected) << form;
  }
  for (const char* bad : {"soon", "5 m", "m", "", "5x"}) {
    EXPECT_THAT(error_of(rig_, "/api/chat", chat_of({{"keep_alive", bad}})),
                HasSubstr("invalid duration"));
  }
}

TEST_F(GenerationTest, what_is_wrong_before_the_first_token_has_its_true_status_streamed_or_not) {
  for (const bool is_streaming : {false, true}) {
    Json body = chat_of({{"model", "nobody"}, {"stream", is_streaming}});
    EXPECT_EQ(error_of(rig_, "/api/chat", body, 404),
              "model \"nobody\" not found, try pulling it first");
  }
  EXPECT_EQ(error_of(rig_, "/api/generate", Json::object()), "model is required");
  EXPECT_EQ(ServiceRig::json_of(rig_.send("POST", "/api/chat", ""), 400)["error"],
            "missing request body");
  EXPECT_EQ(rig_.send("POST", "/api/chat", "{\"model\":").status, 400);
  EXPECT_EQ(error_of(rig_, "/api/chat", chat_of({{"model", "/etc/passwd"}}), 404),
            "model \"/etc/passwd\" not found, try pulling it first");
}

TEST_F(GenerationTest, options_of_the_wrong_type_are_refused_and_unknown_or_dead_ones_ignored) {
  const auto refusal = [&](const char* name, const Json& value) {
    return error_of(rig_, "/api/chat", chat_of({{"options", {{name, value}}}}));
  };
  EXPECT_EQ(refusal("top_k", "many"), "option \"top_k\" must be of type integer");
  EXPECT_EQ(refusal("num_ctx", "x"), "option \"num_ctx\" must be of type integer");
  EXPECT_EQ(refusal("num_gpu", true), "option \"num_gpu\" must be of type integer");
  EXPECT_EQ(refusal("temperature", "hot"), "option \"temperature\" must be of type float32");
  EXPECT_EQ(refusal("stop", 3), "option \"stop\" must be of type array");
  EXPECT_EQ(refusal("use_mmap", 1), "option \"use_mmap\" must be of type boolean");
  Json dead = {{"num_predict", 1},         {"numa", true},      {"low_vram", "x"}, {"f16_kv", 1},
               {"penalize_newline", true}, {"tfs_z", 1},        {"mirostat", 0},   {"num_gpu", -1},
               {"vocab_only", false},      {"logits_all", "?"}, {"nonsense", {}}};
  rig_.post_json("/api/chat", chat_of({{"options", dead}, {"unknown_field", 1}}));
}

TEST_F(GenerationTest, numbers_that_other_runtimes_take_for_off_or_greedy_are_taken) {
  const Json options = {{"top_p", 0}, {"top_k", -1}, {"num_predict", -2},   {"seed", -5},
                        {"min_p", 0}, {"stop", "a"}, {"repeat_last_n", -1}, {"num_ctx", 64}};
  rig_.post_json("/api/chat", chat_of({{"options", options}}));
}

TEST_F(GenerationTest, a_model_goes_after_an_answer_that_says_so) {
  rig_.post_json("/api/chat", chat_of({{"keep_alive", 0}}));
  for (int i = 0; i < 500 && !rig_.service().state().models.loaded().empty(); ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  EXPECT_EQ(rig_.service().state().models.loaded().size(), 0U);
}

TEST_F(GenerationTest, the_defaults_are_ollamas) {
  const SamplingParams params = general_params();
  EXPECT_EQ(params.temperature, 0.8);
  EXPECT_EQ(params.top_k, 40);
  EXPECT_EQ(params.top_p, 0.9);
  EXPECT_EQ(params.min_p, 0);
  EXPECT_EQ(params.repeat_penalty, 1.0);
  EXPECT_EQ(params.penalty_window, 64);
  EXPECT_EQ(params.max_tokens, -1);
}

TEST_F(GenerationTest, thinking_is_refused_for_a_model_that_does_not) {
  EXPECT_EQ(error_of(rig_, "/api/chat", chat_of({{"think", true}})),
            "\"tiny\" does not support thinking");
  EXPECT_EQ(error_of(rig_, "/api/chat", chat_of({{"think", "high"}})),
            "\"tiny\" does not support thinking");
  rig_.post_json("/api/chat", chat_of({{"think", false}}));
  rig_.post_json("/api/chat", chat_of({{"think", nullptr}}));
  EXPECT_THAT(error_of(rig_, "/api/chat", chat_of({{"think", "much"}}, "thinker")),
              HasSubstr("invalid think value: \"much\""));
  const auto rendered = [&](const Json& think) {
    return rig_
        .post_json("/api/chat", chat_of({{"think", think}, {"_debug_render_only", true}},
                                        "thinker"))["_debug_info"]["rendered_template"]
        .get<std::string>();
  };
  EXPECT_THAT(rendered(false), HasSubstr("</think>"));
  EXPECT_THAT(rendered(true), testing::Not(HasSubstr("</think>")));
  EXPECT_THAT(rendered(nullptr), testing::Not(HasSubstr("</think>")));
}

TEST_F(GenerationTest, tools_may_be_null_and_are_refused_where_the_model_has_none) {
  rig_.post_json("/api/chat", chat_of({{"tools", nullptr}}));
  const Json tools = Json::array(
      {{{"type", "function"}, {"function", {{"name", "f"}, {"parameters", Json::object()}}}}});
  EXPECT_EQ(error_of(rig_, "/api/chat", chat_of({{"tools", tools}})),
            "\"tiny\" does not support tools");
  rig_.post_json("/api/chat", chat_of({{"tools", tools}}, "thinker"));
}

TEST_F(GenerationTest, images_formats_and_insertion_are_refused_with_a_sentence) {
  Json message = {{"role", "user"}, {"content", "x"}, {"images", {"aGk="}}};
  EXPECT_THAT(error_of(rig_, "/api/chat", chat_of({{"messages", Json::array({message})}})),
              HasSubstr("does not support images"));
  EXPECT_THAT(error_of(rig_, "/api/generate", prompt_of({{"images", {"aGk="}}})),
              HasSubstr("does not support images"));
  EXPECT_THAT(error_of(rig_, "/api/chat", chat_of({{"format", "json"}})),
              HasSubstr("format is not supported yet"));
  rig_.post_json("/api/chat", chat_of({{"format", ""}}));
  rig_.post_json("/api/chat", chat_of({{"format", nullptr}}));
  EXPECT_EQ(error_of(rig_, "/api/generate", prompt_of({{"suffix", "end"}})),
            "\"tiny\" does not support insert");
}

TEST_F(GenerationTest, logprobs_come_a_token_each) {
  const Json answer =
      rig_.post_json("/api/chat", chat_of({{"logprobs", true}, {"top_logprobs", 2}}));
  ASSERT_EQ(answer["logprobs"].size(), answer["eval_count"].get<size_t>());
  EXPECT_EQ(answer["logprobs"][0]["top_logprobs"].size(), 2U);
  EXPECT_LE(answer["logprobs"][0]["logprob"].get<double>(), 0);
  EXPECT_TRUE(answer["logprobs"][0]["bytes"].is_array());
  EXPECT_THAT(error_of(rig_, "/api/chat", chat_of({{"top_logprobs", 21}})),
              HasSubstr("between 0 and 20"));
}

TEST_F(GenerationTest, a_conversation_that_is_too_long_loses_its_oldest_turns_and_says_so) {
  Json messages = Json::array();
  for (int i = 0; i < 6; ++i)
    messages.push_back({{"role", "user"}, {"content", std::string(80, 'a')}});
  const Json options = {{"num_ctx", 256}, {"num_predict", 2}};
  const Json answer =
      rig_.post_json("/api/chat", chat_of({{"messages", messages}, {"options", options}}));
  EXPECT_GT(answer["truncation"]["dropped_messages"], 0);
  EXPECT_THAT(
      error_of(rig_, "/api/chat",
               chat_of({{"messages", messages}, {"options", options}, {"truncate", false}})),
      HasSubstr("context"));
  Json long_prompt = prompt_of({{"prompt", std::string(400, 'a')}, {"options", options}});
  EXPECT_GT(rig_.post_json("/api/generate", long_prompt)["truncation"]["dropped_tokens"], 0);
  long_prompt["truncate"] = false;
  EXPECT_THAT(error_of(rig_, "/api/generate", long_prompt), HasSubstr("context"));
}

TEST_F(GenerationTest, every_sampling_field_is_an_option_by_its_own_name) {
  // Names that Ollama does not have: one token, whatever the model thinks, three times.
  const Json options = {{"allowed_token_ids", {65}}, {"max_tokens", 3}, {"ignore_eos", true}};
  const Json answer =
      rig_.post_json("/api/chat", chat_of({{"options", options}, {"logprobs", true}}));
  ASSERT_EQ(answer["logprobs"].size(), 3U);
  for (const Json& token : answer["logprobs"])
    EXPECT_EQ(token["bytes"], answer["logprobs"][0]["bytes"]);
  EXPECT_EQ(error_of(rig_, "/api/chat", chat_of({{"options", {{"xtc_probability", 2}}}})),
            "options: xtc_probability must be in [0, 1], got 2");
  EXPECT_EQ(error_of(rig_, "/api/chat", chat_of({{"options", {{"max_tokens", "x"}}}})),
            "options: max_tokens must be in [-1, 16777216], got \"x\"");
}

TEST_F(GenerationTest, the_last_line_has_the_seed_what_was_cached_and_the_receipt_if_it_is_wanted) {
  const Json first = rig_.post_json("/api/chat", chat_of());
  EXPECT_EQ(first["seed"], 1);
  EXPECT_EQ(first["cached_tokens"], 0);
  EXPECT_FALSE(first.contains("receipt"));
  const Json again = rig_.post_json("/api/chat", chat_of({{"receipt", "full"}}));
  EXPECT_GT(again["cached_tokens"], 0);
  EXPECT_EQ(again["receipt"]["answer"]["ids"].size(), again["eval_count"].get<size_t>());
  EXPECT_FALSE(
      rig_.post_json("/api/chat", chat_of({{"receipt", "digests"}}))["receipt"]["answer"].contains(
          "ids"));
  EXPECT_EQ(error_of(rig_, "/api/chat", chat_of({{"receipt", "half"}})),
            "receipt must be \"digests\" or \"full\", got \"half\"");
}

TEST_F(GenerationTest, a_prompt_that_does_not_fit_has_a_code_of_its_own) {
  const Json body = chat_of({{"options", {{"num_ctx", 4}}}});
  EXPECT_EQ(rig_.post_json("/api/chat", body, 400)["code"], "context_full");
  EXPECT_FALSE(rig_.post_json("/api/chat", Json::object(), 400).contains("code"));
}

TEST_F(GenerationTest, a_client_that_goes_frees_its_place) {
  RawClient client(rig_.service().addresses().front());
  const std::string body = chat_of({{"stream", true}, {"options", {{"num_predict", 400}}}}).dump();
  client.send("POST /api/chat HTTP/1.1\r\nHost: localhost\r\nContent-Length: " +
              std::to_string(body.size()) + "\r\n\r\n" + body);
  ASSERT_TRUE(client.read_some());
  client.reset();
  for (int i = 0; i < 500 && rig_.service().state().requests.count() > 0; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  EXPECT_EQ(rig_.service().state().requests.count(), 0);
}

TEST_F(GenerationTest, names_are_found_in_any_case_and_with_their_tag) {
  for (const char* name : {"tiny", "TINY", "tiny:latest", "Tiny:Latest"})
    EXPECT_EQ(rig_.post_json("/api/chat", chat_of(Json::object(), name))["model"], name);
}

TEST(Busy, too_many_requests_are_told_to_come_back) {
  const ServiceRig rig([](ServiceOptions& options) { options.max_requests = 0; });
  const RawResponse response = rig.post("/api/chat", chat_of());
  EXPECT_EQ(response.status, 503);
  EXPECT_EQ(response.header("retry-after"), "1");
  EXPECT_EQ(Json::parse(response.body)["error"],
            "server busy, please try again.  maximum pending requests exceeded");
}

}  // namespace
}  // namespace sparrow::ollama
