// Anthropic's routes over real sockets, on a tiny model.
#include <gmock/gmock.h>

#include "tests/support/service_rig.h"

namespace sparrow {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class Anthropic : public testing::Test, protected test_support::ServiceRig {
 protected:
  Anthropic() : ServiceRig(OfFile()) {}

  Answer post(const std::string& target, const Json& body) const {
    return send("POST", target, body.dump(), "X-Request-Id: test-1\r\n");
  }
  static Json greeting() {
    return {{"model", "tiny"},
            {"max_tokens", 8},
            {"temperature", 0},
            {"messages", {{{"role", "user"}, {"content", "hello"}}}}};
  }
  static Json with(const std::string& name, const Json& value) {
    Json body = greeting();
    body[name] = value;
    return body;
  }
  static Json with_content(const Json& content) {
    return with("messages", {{{"role", "user"}, {"content", content}}});
  }

  void expect_error(const Json& body, int status, const std::string& type,
                    const std::string& message) {
    const Answer answer = post("/v1/messages", body);
    EXPECT_EQ(answer.status, status);
    EXPECT_EQ(answer.json["type"], "error");
    EXPECT_EQ(answer.json["error"]["type"], type);
    EXPECT_THAT(answer.json["error"]["message"].get<std::string>(), HasSubstr(message));
    EXPECT_EQ(answer.json["request_id"], "test-1");
    EXPECT_EQ(answer.header("request-id"), "test-1");
  }
  int64_t count(const Json& body) {
    return post("/v1/messages/count_tokens", body).json["input_tokens"].get<int64_t>();
  }
};

TEST_F(Anthropic, answers_with_a_message) {
  const Answer answer = post("/v1/messages", greeting());
  ASSERT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(answer.header("request-id"), "test-1");
  const Json& message = answer.json;
  EXPECT_THAT(message["id"].get<std::string>(), testing::StartsWith("msg_"));
  EXPECT_EQ(message["type"], "message");
  EXPECT_EQ(message["role"], "assistant");
  EXPECT_EQ(message["model"], "tiny");
  ASSERT_EQ(message["content"].size(), 1u);
  EXPECT_EQ(message["content"][0]["type"], "text");
  EXPECT_EQ(message["stop_reason"], "max_tokens");
  EXPECT_TRUE(message["stop_sequence"].is_null());
  EXPECT_EQ(message["usage"]["output_tokens"], 8);
}

TEST_F(Anthropic, streams_its_events_in_order) {
  const Answer whole = post("/v1/messages", greeting());
  const Answer answer = post("/v1/messages", with("stream", true));
  ASSERT_EQ(answer.status, 200) << answer.body;
  std::vector<std::string> names;
  std::string text;
  for (const auto& [name, data] : answer.events) {
    EXPECT_EQ(data["type"], name);
    if (names.empty() || names.back() != name) names.push_back(name);
    if (name == "content_block_delta") text += data["delta"]["text"].get<std::string>();
  }
  EXPECT_THAT(names,
              ElementsAre("message_start", "ping", "content_block_start", "content_block_delta",
                          "content_block_stop", "message_delta", "message_stop"));
  EXPECT_EQ(text, whole.json["content"][0]["text"]);
  const Json& start = answer.events.front().second["message"];
  EXPECT_TRUE(start["stop_reason"].is_null());
  EXPECT_EQ(start["content"], Json::array());
  const Json& end = answer.events[answer.events.size() - 2].second;
  EXPECT_EQ(end["delta"]["stop_reason"], "max_tokens");
  EXPECT_EQ(end["usage"]["output_tokens"], 8);
}

TEST_F(Anthropic, ends_at_a_stop_sequence_and_names_it) {
  const std::string text = post("/v1/messages", greeting()).json["content"][0]["text"];
  ASSERT_GE(text.size(), 3u);
  size_t at = 1;
  while (at < text.size() && (static_cast<uint8_t>(text[at]) & 0x80) != 0) ++at;
  ASSERT_LT(at, text.size()) << "the tiny model writes no ASCII";
  const std::string stop = text.substr(at, 1);
  const Answer answer = post("/v1/messages", with("stop_sequences", {stop}));
  EXPECT_EQ(answer.json["stop_reason"], "stop_sequence") << answer.body;
  EXPECT_EQ(answer.json["stop_sequence"], stop);
}

TEST_F(Anthropic, counts_the_tokens_that_the_message_then_reads) {
  const int64_t counted = count(greeting());
  const Json usage = post("/v1/messages", greeting()).json["usage"];
  EXPECT_EQ(usage["input_tokens"].get<int64_t>() + usage["cache_read_input_tokens"].get<int64_t>(),
            counted);
  // A prompt that was read before comes out of the cache, and the sum stays.
  const Json again = post("/v1/messages", greeting()).json["usage"];
  EXPECT_GT(again["cache_read_input_tokens"], 0);
  EXPECT_EQ(again["input_tokens"].get<int64_t>() + again["cache_read_input_tokens"].get<int64_t>(),
            counted);
}

TEST_F(Anthropic, takes_text_as_a_string_or_as_blocks) {
  const Json blocks = {{{"type", "text"}, {"text", "hel"}},
                       {{"type", "text"}, {"text", "lo"}, {"cache_control", {{"type", "x"}}}}};
  EXPECT_EQ(count(with_content(blocks)), count(greeting()));
  EXPECT_EQ(count(with("system", "be kind")),
            count(with("system", {{{"type", "text"}, {"text", "be kind"}}})));
  EXPECT_GT(count(with("system", "be kind")), count(greeting()));
}

TEST_F(Anthropic, takes_calls_and_their_results) {
  const Json messages = {
      {{"role", "user"}, {"content", "hello"}},
      {{"role", "assistant"},
       {"content",
        {{{"type", "text"}, {"text", "wait"}},
         {{"type", "tool_use"}, {"id", "t1"}, {"name", "look"}, {"input", {{"at", 1}}}}}}},
      {{"role", "user"},
       {"content",
        {{{"type", "tool_result"}, {"tool_use_id", "t1"}, {"content", "seen"}},
         {{"type", "text"}, {"text", "go on"}}}}}};
  const Answer answer = post("/v1/messages", with("messages", messages));
  EXPECT_EQ(answer.status, 200) << answer.body;
  Json lost = messages;
  lost[2]["content"][0]["tool_use_id"] = "t2";
  expect_error(with("messages", lost), 400, "invalid_request_error", "no tool_use before it");
}

TEST_F(Anthropic, goes_on_with_an_answer_that_has_begun) {
  Json body = greeting();
  body["messages"].push_back({{"role", "assistant"}, {"content", "the"}});
  EXPECT_LT(count(body), count(greeting()) + 4);  // no further turn is opened
  EXPECT_EQ(post("/v1/messages", body).status, 200);
}

TEST_F(Anthropic, ignores_what_it_does_not_know) {
  Json body = with("metadata", {{"user_id", "u"}});
  body["service_tier"] = "auto";
  body["thinking"] = {{"type", "enabled"}, {"budget_tokens", 1024}};
  EXPECT_EQ(post("/v1/messages?beta=true", body).status, 200);
}

TEST_F(Anthropic, refuses_in_its_own_words) {
  Json body = greeting();
  body.erase("max_tokens");
  expect_error(body, 400, "invalid_request_error", "max_tokens is required");
  expect_error(with("max_tokens", 0), 400, "invalid_request_error", "at least 1");
  expect_error(with("messages", Json::array()), 400, "invalid_request_error", "at least one");
  expect_error(with("messages", {{{"role", "system"}, {"content", "x"}}}), 400,
               "invalid_request_error", "messages[0].role must be user or assistant");
  expect_error(with("temperature", "hot"), 400, "invalid_request_error", "temperature");
  expect_error(with("model", "nobody"), 404, "not_found_error", "nobody");
  expect_error(with_content({{{"type", "image"}, {"source", Json::object()}}}), 400,
               "invalid_request_error", "this model reads text only");
  expect_error(with_content(std::string(4000, 'x')), 400, "invalid_request_error",
               "prompt is too long");  // words that its clients look for
}

TEST_F(Anthropic, refuses_what_needs_constrained_decoding) {
  for (const char* type : {"any", "tool"}) {
    expect_error(with("tool_choice", {{"type", type}, {"name", "f"}}), 400, "invalid_request_error",
                 "constrained decoding");
  }
  expect_error(with("output_config", {{"format", {{"type", "json_schema"}}}}), 400,
               "invalid_request_error", "constrained decoding");
  Json tool = {{"name", "f"}, {"input_schema", {{"type", "object"}}}};
  Json body = with("tools", Json::array({tool}));
  body["tool_choice"] = {{"type", "none"}};
  EXPECT_EQ(count(body), count(greeting()));
  tool["type"] = "web_search_20250305";
  expect_error(with("tools", Json::array({tool})), 400, "invalid_request_error", "custom");
}

TEST_F(Anthropic, names_the_request_also_where_no_handler_has_seen_it) {
  RawClient client(service().addresses().front());
  client.send(
      "POST /v1/messages HTTP/1.1\r\nHost: localhost\r\nX-Request-Id: test-2\r\n"
      "Content-Length: 999999999\r\n\r\n");
  const auto response = client.read_response();
  ASSERT_TRUE(response.has_value());
  EXPECT_EQ(response->status, 413);
  EXPECT_EQ(response->header("request-id"), "test-2");
  EXPECT_EQ(Json::parse(response->body)["request_id"], "test-2");
  EXPECT_EQ(Json::parse(response->body)["error"]["type"], "request_too_large");
}

TEST_F(Anthropic, says_what_is_wrong_with_a_body_that_is_no_json) {
  const Answer answer = send("POST", "/v1/messages", "{\"model\":");
  EXPECT_EQ(answer.status, 400);
  EXPECT_EQ(answer.json["error"]["type"], "invalid_request_error");
}

}  // namespace
}  // namespace sparrow
