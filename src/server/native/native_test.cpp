// llama-server's and vLLM's extra routes over real sockets, on a tiny model.
#include <gmock/gmock.h>

#include <cmath>

#include "tests/support/service_rig.h"

namespace sparrow {
namespace {

using testing::HasSubstr;

class Native : public testing::Test, protected test_support::ServiceRig {
 protected:
  Native() : ServiceRig(OfFile()) {}

  static Json asks(const std::string& name = "n_predict", const Json& value = 6) {
    Json body = {{"prompt", "hello"}, {"n_predict", 6}, {"temperature", 0}};
    body[name] = value;
    return body;
  }
  void expect_error(const std::string& target, const Json& body, const std::string& message,
                    int status = 400) {
    const Answer answer = post(target, body);
    EXPECT_EQ(answer.status, status) << target << ' ' << body;
    EXPECT_EQ(answer.json["error"]["code"], status);
    EXPECT_THAT(answer.json["error"]["message"].get<std::string>(), HasSubstr(message));
  }
  Json ids_of(const std::string& text) {
    return post("/tokenize", {{"content", text}}).json["tokens"];
  }
};

TEST_F(Native, completion_says_what_it_did) {
  for (const char* path : {"/completion", "/completions"}) {
    const Json answer = post(path, asks("return_tokens", true)).json;
    EXPECT_EQ(answer["tokens"].size(), 6u) << answer;
    EXPECT_EQ(answer["model"], "tiny");
    EXPECT_EQ(answer["stop"], true);
    EXPECT_EQ(answer["stop_type"], "limit");
    EXPECT_EQ(answer["tokens_predicted"], 6);
    EXPECT_EQ(answer["tokens_evaluated"], ids_of("hello").size());
    EXPECT_EQ(answer["prompt"], "hello");
    EXPECT_EQ(answer["generation_settings"]["n_predict"], 6);
    EXPECT_EQ(answer["generation_settings"]["repeat_last_n"], 64);
    EXPECT_EQ(answer["timings"]["predicted_n"], 6);
    EXPECT_EQ(answer["truncated"], false);
  }
}

TEST_F(Native, completion_takes_every_form_of_a_prompt) {
  const std::string text = post("/completion", asks()).json["content"];
  EXPECT_EQ(post("/completion", asks("prompt", ids_of("hello"))).json["content"], text);
  Json mixed = ids_of("hel");
  mixed.push_back("lo");
  EXPECT_EQ(post("/completion", asks("prompt", mixed)).json["prompt"], "hello");
  const Json list = post("/completion", asks("prompt", {"hello", ids_of("hello"), "x"})).json;
  ASSERT_EQ(list.size(), 3u);
  EXPECT_EQ(list[0]["content"], text);
  EXPECT_EQ(list[1]["content"], text);
  EXPECT_EQ(list[2]["index"], 2);
  expect_error("/completion", asks("prompt", {1, 100000}), "prompt[0] must be a token's id");
  expect_error("/completion", asks("prompt", 5), "prompt must be a string");
  expect_error("/completion", asks("prompt", nullptr), "prompt is required");
}

TEST_F(Native, completion_streams_what_it_answers_whole) {
  const Json whole = post("/completion", asks()).json;
  const Answer answer = post("/completion", asks("stream", true));
  std::string text;
  for (const auto& [name, data] : answer.events) text += data["content"].get<std::string>();
  EXPECT_EQ(text, whole["content"]);
  ASSERT_FALSE(answer.events.empty());
  EXPECT_EQ(answer.events.front().second["stop"], false);
  EXPECT_EQ(answer.events.back().second["stop"], true);
  EXPECT_EQ(answer.events.back().second["stop_type"], "limit");
}

TEST_F(Native, completion_gives_probabilities) {
  const Json answer = post("/completion", asks("n_probs", 3)).json;
  ASSERT_EQ(answer["completion_probabilities"].size(), 6u);
  const Json& first = answer["completion_probabilities"][0];
  EXPECT_EQ(first["top_logprobs"].size(), 3u);
  EXPECT_EQ(first["id"], first["top_logprobs"][0]["id"]);
  EXPECT_LE(first["logprob"], 0);
  EXPECT_FALSE(post("/completion", asks()).json.contains("completion_probabilities"));
}

TEST_F(Native, completion_obeys_biases_and_stops) {
  const Json ids = ids_of("A");
  const Json always =
      post("/completion", asks("logit_bias", Json::array({Json::array({ids[0], 100})}))).json;
  EXPECT_EQ(always["content"], "AAAAAA");
  Json body = asks("logit_bias", Json::object({{"A", 100}}));
  body["stop"] = {"AAA", ""};
  const Json stopped = post("/completion", body).json;
  EXPECT_EQ(stopped["content"], "");
  EXPECT_EQ(stopped["stop_type"], "word");
  EXPECT_EQ(stopped["stopping_word"], "AAA");
  const Json first = post("/completion", asks("return_tokens", true)).json["tokens"][0];
  Json without = asks("logit_bias", Json::array({Json::array({first, false})}));
  without["return_tokens"] = true;
  const Json never = post("/completion", without).json;
  EXPECT_NE(never["tokens"][0], first);
  expect_error("/completion", asks("logit_bias", Json::array({Json::array({1, "x"})})),
               "logit_bias[0]");
}

TEST_F(Native, completion_takes_llama_servers_ways_to_say_off) {
  for (const auto& [name, value] : std::vector<std::pair<std::string, Json>>{{"top_k", -1},
                                                                             {"seed", -1},
                                                                             {"seed", 4294967295},
                                                                             {"n_probs", 0},
                                                                             {"n_predict", 0},
                                                                             {"cache_prompt", true},
                                                                             {"grammar", ""},
                                                                             {"tfs_z", 1},
                                                                             {"id_slot", -1}}) {
    EXPECT_EQ(post("/completion", asks(name, value)).status, 200) << name;
  }
  expect_error("/completion", asks("grammar", "root ::= \"a\""), "constrained decoding");
  expect_error("/completion", asks("json_schema", {{"type", "object"}}), "constrained decoding");
  expect_error("/completion", asks("top_p", 1.5), "top_p");
  expect_error("/completion", asks("model", "nobody"), "nobody", 404);
}

TEST_F(Native, tokenize_answers_llama_server) {
  const Json plain = post("/tokenize", {{"content", "he the"}}).json;
  EXPECT_FALSE(plain.contains("count"));
  const Json pieces = post("/tokenize", {{"content", "he the"}, {"with_pieces", true}}).json;
  std::string text;
  for (size_t i = 0; i < pieces["tokens"].size(); ++i) {
    EXPECT_EQ(pieces["tokens"][i]["id"], plain["tokens"][i]);
    text += pieces["tokens"][i]["piece"].get<std::string>();
  }
  EXPECT_EQ(text, "he the");
  // Half a character is its bytes.
  const Json half = post("/tokenize", {{"content", "é"}, {"with_pieces", true}}).json;
  EXPECT_EQ(half["tokens"][0]["piece"], Json::array({0xc3}));
  EXPECT_EQ(ids_of("<|im_end|>").size(), 1u);
  EXPECT_GT(post("/tokenize", {{"content", "<|im_end|>"}, {"parse_special", false}})
                .json["tokens"]
                .size(),
            1u);
}

TEST_F(Native, tokenize_answers_vllm) {
  const Json answer = post("/tokenize", {{"prompt", "he the"}, {"return_token_strs", true}}).json;
  EXPECT_EQ(answer["tokens"], ids_of("he the"));
  EXPECT_EQ(answer["count"], answer["tokens"].size());
  EXPECT_EQ(answer["token_strs"].size(), answer["tokens"].size());
  EXPECT_EQ(answer["max_model_len"], 512);
  const Json messages = {{{"role", "user"}, {"content", "hello"}}};
  const Json chat = post("/tokenize", {{"messages", messages}}).json;
  const std::string prompt =
      post("/apply-template", {{"messages", messages}}).json["prompt"].get<std::string>();
  EXPECT_THAT(prompt, HasSubstr("hello"));
  EXPECT_EQ(chat["tokens"], ids_of(prompt));
  EXPECT_TRUE(chat["token_strs"].is_null());
  expect_error("/tokenize", Json::object(), "prompt, messages or content is required");
  expect_error("/tokenize", {{"prompt", 5}}, "prompt must be a string");
  expect_error("/tokenize", {{"messages", Json::array()}}, "at least one message");
}

TEST_F(Native, detokenize_answers_both) {
  const Json answer = post("/detokenize", {{"tokens", ids_of("he<|im_end|>")}}).json;
  EXPECT_EQ(answer["content"], "he<|im_end|>");  // llama-server's
  EXPECT_EQ(answer["prompt"], "he<|im_end|>");   // vLLM's
  expect_error("/detokenize", {{"tokens", {1, -1}}}, "tokens[1] must be a token's id");
  expect_error("/detokenize", {{"tokens", {1.5}}}, "tokens[0]");
  expect_error("/detokenize", Json::object(), "tokens is required");
}

TEST_F(Native, score_is_the_cosine_of_embeddings) {
  for (const char* path : {"/score", "/v1/score"}) {
    const Json answer = post(path, {{"text_1", "hello"}, {"text_2", {"hello", "the"}}}).json;
    ASSERT_EQ(answer["data"].size(), 2u) << answer;
    EXPECT_NEAR(answer["data"][0]["score"].get<double>(), 1, 1e-5);
    EXPECT_LT(answer["data"][1]["score"], answer["data"][0]["score"]);
    EXPECT_EQ(answer["object"], "list");
    EXPECT_GT(answer["usage"]["total_tokens"], 0);
  }
  expect_error("/score", {{"text_1", {"a", "b"}}, {"text_2", {"a"}}}, "text_1 must be one text");
  expect_error("/score", {{"text_1", "a"}}, "text_2 is required");
}

TEST_F(Native, rerank_orders_documents) {
  for (const char* path : {"/rerank", "/v1/rerank", "/v2/rerank", "/reranking"}) {
    const Json documents = {"one", {{"text", "two"}}, "three"};
    const Json answer = post(path, {{"query", "q"}, {"documents", documents}}).json;
    ASSERT_EQ(answer["results"].size(), 3u) << answer;
    double last = 1;
    for (const Json& result : answer["results"]) {
      const double score = result["relevance_score"];
      EXPECT_LE(score, last);
      EXPECT_GT(score, 0);
      last = score;
      const Json& document = documents[result["index"].get<size_t>()];
      EXPECT_EQ(result["document"]["text"], document.is_string() ? document : document["text"]);
    }
    const Json best =
        post(path,
             {{"query", "q"}, {"documents", documents}, {"top_n", 1}, {"return_documents", false}})
            .json;
    ASSERT_EQ(best["results"].size(), 1u);
    EXPECT_EQ(best["results"][0]["index"], answer["results"][0]["index"]);
    EXPECT_FALSE(best["results"][0].contains("document"));
  }
  expect_error("/rerank", {{"query", "q"}}, "documents is required");
  expect_error("/rerank", {{"query", "q"}, {"documents", Json::array()}}, "1 to 1024");
}

TEST_F(Native, embedding_is_of_length_one_unless_told) {
  const auto length = [](const Json& vector) {
    double sum = 0;
    for (const Json& value : vector) sum += value.get<double>() * value.get<double>();
    return std::sqrt(sum);
  };
  const Json one = post("/embedding", {{"content", {"hello", "the"}}}).json;
  ASSERT_EQ(one.size(), 2u);
  EXPECT_NEAR(length(one[1]["embedding"][0]), 1, 1e-5);
  const Json raw = post("/embeddings", {{"content", "the"}, {"embd_normalize", -1}}).json;
  EXPECT_GT(std::abs(length(raw[0]["embedding"][0]) - 1), 1e-3);
  expect_error("/embedding", {{"content", "x"}, {"embd_normalize", 7}}, "embd_normalize");
}

TEST_F(Native, a_busy_server_says_when_to_come_back) {
  std::vector<std::unique_ptr<Requests::Ticket>> tickets;
  do {
    tickets.push_back(service().state().requests.admit({}, [] {}));
  } while (tickets.back() != nullptr);
  for (const auto& [path, body] : std::vector<std::pair<std::string, Json>>{
           {"/completion", asks()},
           {"/embedding", {{"content", "x"}}},
           {"/score", {{"text_1", "a"}, {"text_2", "b"}}},
           {"/rerank", {{"query", "q"}, {"documents", {"a"}}}},
           {"/v1/messages",
            {{"max_tokens", 1}, {"messages", {{{"role", "user"}, {"content", "x"}}}}}}}) {
    const Answer answer = post(path, body);
    EXPECT_EQ(answer.status, 503) << path;
    EXPECT_EQ(answer.header("retry-after"), "1") << path;
    EXPECT_THAT(answer.json["error"]["message"].get<std::string>(), HasSubstr("server busy"));
  }
  tickets.clear();
  EXPECT_EQ(post("/embedding", {{"content", "x"}}).status, 200);
}

TEST_F(Native, tells_about_the_model) {
  const Json props = get("/props").json;
  EXPECT_EQ(props["default_generation_settings"]["n_ctx"], 512);
  EXPECT_EQ(props["total_slots"], 32);
  EXPECT_EQ(props["model_alias"], "tiny");
  EXPECT_EQ(props["model_path"], "tiny.gguf");
  EXPECT_EQ(props["modalities"]["vision"], false);
  const Json info = get("/tokenizer_info").json;
  EXPECT_TRUE(info["eos_token"].is_string());
  EXPECT_EQ(info["chat_template"], props["chat_template"]);
  EXPECT_EQ(get("/props?model=nobody").status, 404);
}

TEST_F(Native, tells_about_itself) {
  for (const char* path : {"/health", "/v1/health"}) EXPECT_EQ(get(path).json["status"], "ok");
  EXPECT_EQ(get("/ready").json["status"], "ready");
  EXPECT_TRUE(get("/version").json["version"].is_string());
  EXPECT_EQ(get("/load").json["server_load"], 0);
  EXPECT_EQ(get("/ping").status, 200);
  EXPECT_EQ(send("POST", "/ping").status, 200);
  EXPECT_EQ(get("/slots").json[0]["is_processing"], false);
  expect_error("/infill", Json::object(), "not supported", 501);
}

TEST_F(Native, metrics_count_what_is_embedded_scored_and_ranked) {
  const auto value_of = [&](const std::string& name) {
    const std::string text = get("/metrics").body;
    const std::string line = "\n" + name + "{model_name=\"tiny\",engine=\"0\"";
    size_t at = text.find(line);
    EXPECT_NE(at, std::string::npos) << name;
    at = text.find("} ", at) + 2;
    return std::stoll(text.substr(at, text.find('\n', at) - at));
  };
  const auto tokens_of = [&](const std::string& target, const Json& body) {
    return post(target, body).json["usage"]["prompt_tokens"].get<int64_t>();
  };
  int64_t tokens = tokens_of("/v1/embeddings", {{"input", {"one", "two"}}});
  EXPECT_EQ(value_of("vllm:prompt_tokens_total"), tokens);
  EXPECT_EQ(value_of("vllm:request_prompt_tokens_count"), 2);
  post("/embedding", {{"content", {"one", "three"}}});  // says no number
  tokens += 3 + 5;
  EXPECT_EQ(value_of("vllm:prompt_tokens_total"), tokens);
  tokens += tokens_of("/score", {{"text_1", "one"}, {"text_2", {"two", "three"}}});
  EXPECT_EQ(value_of("vllm:prompt_tokens_total"), tokens);
  EXPECT_EQ(value_of("vllm:request_prompt_tokens_count"), 7);
  tokens += tokens_of("/rerank", {{"query", "q"}, {"documents", {"one", "two", "three"}}});
  EXPECT_EQ(value_of("vllm:prompt_tokens_total"), tokens);
  EXPECT_EQ(value_of("vllm:request_prompt_tokens_count"), 10);
  EXPECT_EQ(value_of("vllm:e2e_request_latency_seconds_count"), 10);
  EXPECT_EQ(value_of("vllm:generation_tokens_total"), 0);
}

TEST_F(Native, metrics_have_both_sets_of_names) {
  post("/completion", asks());
  const std::string text = get("/metrics").body;
  for (const char* line :
       {"llamacpp:tokens_predicted_total 6\n", "llamacpp:requests_processing 0\n",
        "llamacpp:requests_deferred 0\n", "llamacpp:prompt_tokens_total ",
        "llamacpp:n_decode_total ", "llamacpp:predicted_tokens_seconds ",
        "vllm:generation_tokens_total{model_name=\"tiny\",engine=\"0\"} 6\n",
        "vllm:num_requests_running{model_name=\"tiny\",engine=\"0\"} 0\n",
        "vllm:num_requests_waiting{", "vllm:kv_cache_usage_perc{",
        "vllm:prefix_cache_queries_total{", "vllm:prefix_cache_hits_total{",
        "vllm:time_to_first_token_seconds_count{model_name=\"tiny\",engine=\"0\"} 1\n",
        "vllm:request_queue_time_seconds_count{", "vllm:request_prompt_tokens_bucket{",
        "vllm:request_generation_tokens_count{model_name=\"tiny\",engine=\"0\"} 1\n",
        "vllm:inter_token_latency_seconds_count{model_name=\"tiny\",engine=\"0\"} ",
        "finished_reason=\"length\"} 1\n"})
    EXPECT_NE(text.find(line), std::string::npos) << line;
}

TEST_F(Native, openapi_lists_every_route) {
  const Json document = get("/openapi.json").json;
  EXPECT_EQ(document["openapi"], "3.1.0");
  for (const char* path :
       {"/completion", "/detokenize", "/v1/messages", "/v1/chat/completions", "/api/chat"}) {
    const Json& post = document["paths"][path]["post"];
    EXPECT_TRUE(post["summary"].is_string()) << path;
    EXPECT_EQ(post["requestBody"]["content"]["application/json"]["schema"]["type"], "object")
        << path;
  }
  EXPECT_EQ(document["paths"]["/requests/{id}"]["delete"]["parameters"][0]["name"], "id");
}

}  // namespace
}  // namespace sparrow
