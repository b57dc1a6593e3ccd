// What a request may hold, one below each limit, at it and one beyond, in every dialect.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "server/wire.h"
#include "tests/support/service_rig.h"

namespace sparrow {
namespace {

using test_support::ServiceRig;
using testing::HasSubstr;

struct Dialect {
  const char* path;
  const char* messages;
  Json base;
  // A tool whose schema has this many bytes.
  Json (*tool)(size_t schema_bytes);
  const char* schema;  // where it has it
};

Json schema_of(size_t size_bytes) {
  const size_t least = to_wire(Json{{"a", ""}}).size();
  return {{"a", std::string(size_bytes - least, 'x')}};
}
Json function_tool(size_t size_bytes) {
  return {{"type", "function"},
          {"function", {{"name", "f"}, {"parameters", schema_of(size_bytes)}}}};
}
Json flat_tool(size_t size_bytes) {
  return {{"type", "function"}, {"name", "f"}, {"parameters", schema_of(size_bytes)}};
}
Json custom_tool(size_t size_bytes) {
  return {{"name", "f"}, {"input_schema", schema_of(size_bytes)}};
}

std::vector<Dialect> dialects() {
  const Json user = Json::array({{{"role", "user"}, {"content", ""}}});
  return {
      {"/api/chat",
       "messages",
       {{"model", "thinker"}, {"messages", user}, {"stream", false}},
       function_tool,
       "function.parameters"},
      {"/v1/chat/completions",
       "messages",
       {{"model", "thinker"}, {"messages", user}, {"max_tokens", 1}},
       function_tool,
       "function.parameters"},
      {"/v1/responses",
       "input",
       {{"model", "thinker"}, {"input", user}, {"max_output_tokens", 1}},
       flat_tool,
       "function.parameters"},
      {"/v1/messages",
       "messages",
       {{"model", "thinker"}, {"messages", user}, {"max_tokens", 1}},
       custom_tool,
       "input_schema"},
      {"/apply-template",
       "messages",
       {{"model", "thinker"}, {"messages", user}},
       function_tool,
       "function.parameters"},
  };
}

class ConversationLimits : public testing::Test {
 protected:
  // What is within the limit may still be too long for the tiny model's context, and says so.
  void expect(const Dialect& dialect, const Json& body, const std::string& refusal) {
    const RawResponse response = rig_.post(dialect.path, body);
    if (refusal.empty()) {
      const bool is_too_long = response.body.find("the context of") != std::string::npos;
      EXPECT_TRUE(response.status == 200 || is_too_long) << dialect.path << response.body;
      return;
    }
    EXPECT_EQ(response.status, 400) << dialect.path;
    EXPECT_THAT(response.body, HasSubstr(refusal)) << dialect.path;
  }

  ServiceRig rig_;
};

TEST_F(ConversationLimits, hold_for_messages) {
  for (const Dialect& dialect : dialects()) {
    for (const size_t count : {kMostMessages - 1, kMostMessages, kMostMessages + 1}) {
      Json body = dialect.base;
      const Json message = body[dialect.messages][0];
      for (size_t i = 1; i < count; ++i) body[dialect.messages].push_back(message);
      expect(dialect, body, count > kMostMessages ? "4096" : "");
    }
  }
}

TEST_F(ConversationLimits, hold_for_tools) {
  for (const Dialect& dialect : dialects()) {
    for (const size_t count : {kMostTools - 1, kMostTools, kMostTools + 1}) {
      Json body = dialect.base;
      for (size_t i = 0; i < count; ++i) body["tools"].push_back(dialect.tool(10));
      expect(dialect, body, count > kMostTools ? "tools must hold at most 128 tools, got 129" : "");
    }
  }
}

TEST_F(ConversationLimits, hold_for_each_schema_of_a_tool_and_for_all) {
  for (const Dialect& dialect : dialects()) {
    for (const size_t size : {kMostSchemaBytes - 1, kMostSchemaBytes, kMostSchemaBytes + 1}) {
      Json body = dialect.base;
      body["tools"] = Json::array({dialect.tool(size)});
      expect(dialect, body,
             size > kMostSchemaBytes
                 ? std::string("tools[0].") + dialect.schema + " must have at most 65536 bytes"
                 : "");
    }
    for (const int off : {-1, 0, 1}) {
      Json body = dialect.base;
      for (int i = 0; i < 9; ++i)
        body["tools"].push_back(dialect.tool(i == 8 ? 50
                                             : i == 7
                                                 ? kMostSchemaBytes - 50 + static_cast<size_t>(off)
                                                 : kMostSchemaBytes));
      expect(dialect, body, off > 0 ? "at most 524288 bytes in all, got 524289" : "");
    }
  }
}

TEST_F(ConversationLimits, tools_are_refused_where_the_model_knows_none) {
  for (const Dialect& dialect : dialects()) {
    if (dialect.path == std::string("/apply-template")) continue;  // renders what it is given
    Json body = dialect.base;
    body["model"] = "tiny";
    body["tools"] = Json::array({dialect.tool(10)});
    const RawResponse response = rig_.post(dialect.path, body);
    EXPECT_EQ(response.status, 400) << dialect.path;
    const Json error = Json::parse(response.body)["error"];
    const std::string message =
        error.is_string() ? error.get<std::string>() : error["message"].get<std::string>();
    EXPECT_EQ(message, "\"tiny\" does not support tools") << dialect.path;
  }
}

// A request, and the field of it that is tried, a dot before what is inside an object.
struct Field {
  std::string path;
  std::string name;
  Json more = Json::object();  // that it needs beside it
};

class FieldLimits : public testing::Test {
 protected:
  FieldLimits() {
    rig_.add("wide", test_support::kPlainTemplate,
             test_support::scripted_gguf({"some", " words"}, 2000));
  }

  static Json request_for(const std::string& path) {
    Json body = {{"model", "wide"}, {"stream", false}};
    if (path == "/v1/completions" || path == "/completion" || path == "/api/generate") {
      body["prompt"] = "hello";
    } else if (path == "/v1/responses") {
      body["input"] = "hello";
    } else {
      body["messages"] = Json::array({{{"role", "user"}, {"content", "hello"}}});
    }
    if (path == "/v1/messages") body["max_tokens"] = 4;
    return body;
  }

  // `value_of(count)`: a value that needs so much of what is limited.
  template <typename ValueOf>
  void expect_limit(const Field& field, size_t most, const ValueOf& value_of,
                    const std::string& refusal) {
    for (const size_t count : {most - 1, most, most + 1}) {
      Json body = request_for(field.path);
      body.update(field.more);
      const size_t dot = field.name.find('.');
      Json& holder = dot == std::string::npos ? body : body[field.name.substr(0, dot)];
      holder[field.name.substr(dot == std::string::npos ? 0 : dot + 1)] = value_of(count);
      const RawResponse response = rig_.post(field.path, body);
      const std::string what = field.path + " " + field.name + " " + std::to_string(count);
      EXPECT_EQ(response.status, count > most ? 400 : 200) << what << response.body;
      EXPECT_THAT(response.body, HasSubstr(count > most ? refusal : "")) << what;
    }
  }

  ServiceRig rig_;
};

TEST_F(FieldLimits, hold_for_stop_texts_and_their_length) {
  for (const Field& field : std::vector<Field>{{"/api/chat", "options.stop"},
                                               {"/api/generate", "options.stop"},
                                               {"/v1/chat/completions", "stop"},
                                               {"/v1/completions", "stop"},
                                               {"/v1/responses", "stop"},
                                               {"/v1/messages", "stop_sequences"},
                                               {"/completion", "stop"}}) {
    expect_limit(
        field, 16, [](size_t count) { return Json(std::vector<std::string>(count, "x")); },
        "at most 16 texts of 1 to 256 bytes");
    expect_limit(
        field, 256, [](size_t count) { return Json::array({std::string(count, 'x')}); },
        "at most 16 texts of 1 to 256 bytes");
  }
}

TEST_F(FieldLimits, hold_for_biases) {
  const auto object = [](size_t count) {
    Json biases = Json::object();
    for (size_t id = 0; id < count; ++id) biases[std::to_string(id)] = 0;
    return biases;
  };
  const auto pairs = [](size_t count) {
    Json biases = Json::array();
    for (size_t id = 0; id < count; ++id) biases.push_back({id, 0});
    return biases;
  };
  for (const Field& field : std::vector<Field>{{"/api/chat", "options.logit_bias"},
                                               {"/api/generate", "options.logit_bias"},
                                               {"/v1/chat/completions", "logit_bias"},
                                               {"/v1/completions", "logit_bias"},
                                               {"/v1/responses", "logit_bias"},
                                               {"/completion", "logit_bias"}})
    expect_limit(field, 1024, object, "logit_bias must be at most 1024 pairs");
  expect_limit({"/completion", "logit_bias"}, 1024, pairs, "at most 1024 pairs");
}

TEST_F(FieldLimits, hold_for_logprobs) {
  const Json on = {{"logprobs", true}};
  const auto number = [](size_t count) { return Json(count); };
  expect_limit({"/api/chat", "top_logprobs", on}, 20, number, "between 0 and 20, got 21");
  expect_limit({"/api/generate", "top_logprobs", on}, 20, number, "between 0 and 20, got 21");
  expect_limit({"/v1/chat/completions", "top_logprobs", on}, 20, number, "[0, 20], got 21");
  expect_limit({"/v1/completions", "logprobs"}, 20, number, "[0, 20], got 21");
  expect_limit({"/v1/completions", "prompt_logprobs"}, 20, number, "[0, 20], got 21");
  expect_limit({"/completion", "n_probs"}, 20, number, "20], got 21");
}

TEST_F(FieldLimits, hold_for_answers_and_those_that_are_tried) {
  const auto number = [](size_t count) { return Json(count); };
  expect_limit({"/v1/chat/completions", "n"}, 8, number, "n must be in [1, 8], got 9");
  expect_limit({"/v1/completions", "n"}, 8, number, "n must be in [1, 8], got 9");
  expect_limit({"/v1/completions", "best_of"}, 8, number, "best_of must be in [1, 8], got 9");
  // Elsewhere it is a field that nobody knows.
  for (const char* path : {"/v1/chat/completions", "/v1/responses", "/v1/messages", "/completion",
                           "/api/chat", "/api/generate"}) {
    Json body = request_for(path);
    body["best_of"] = 9;
    EXPECT_EQ(rig_.post(path, body).status, 200) << path;
  }
}

// A body one byte too long is refused in the shape that the dialect's clients read.
TEST(BodyLimits, hold_in_every_dialects_words) {
  constexpr size_t kMost = 1000;
  const ServiceRig rig([](ServiceOptions& options) {
    options.http.limits.large_body_bytes = kMost;
    options.http.limits.control_body_bytes = kMost;
  });
  const Json user = Json::array({{{"role", "user"}, {"content", "hello"}}});
  const auto message_of = [](const std::string& path, const Json& answer) {
    const Json& error = answer["error"];
    if (path.starts_with("/api/")) return error;
    if (path.starts_with("/v1/messages")) {
      EXPECT_EQ(answer["type"], "error");
      EXPECT_EQ(error["type"], "request_too_large");
    } else {
      EXPECT_EQ(error["type"], "invalid_request_error") << path;
    }
    const bool is_native = !path.starts_with("/v1/");
    EXPECT_EQ(error.value("code", Json()) == 413, is_native) << path;
    const bool is_openai = !is_native && !path.starts_with("/v1/messages");
    EXPECT_EQ(error.contains("param"), is_openai) << path;
    return error["message"];
  };
  for (const auto& [path, request] : std::vector<std::pair<std::string, Json>>{
           {"/api/chat", {{"messages", user}, {"options", {{"num_predict", 1}}}}},
           {"/api/generate", {{"prompt", "a"}, {"options", {{"num_predict", 1}}}}},
           {"/api/embed", {{"input", "a"}}},
           {"/api/show", Json::object()},
           {"/v1/chat/completions", {{"messages", user}, {"max_tokens", 1}}},
           {"/v1/completions", {{"prompt", "a"}, {"max_tokens", 1}}},
           {"/v1/embeddings", {{"input", "a"}}},
           {"/v1/responses", {{"input", "a"}, {"max_output_tokens", 1}}},
           {"/v1/messages", {{"messages", user}, {"max_tokens", 1}}},
           {"/v1/messages/count_tokens", {{"messages", user}}},
           {"/completion", {{"prompt", "a"}, {"n_predict", 1}}},
           {"/embedding", {{"content", "a"}}},
           {"/apply-template", {{"messages", user}}},
           {"/detokenize", {{"tokens", {1}}}}}) {
    for (const size_t size : {kMost - 1, kMost, kMost + 1}) {
      Json body = request;
      body["model"] = "tiny";
      body["nobody_knows_this"] = "";
      body["nobody_knows_this"] = std::string(size - body.dump().size(), 'x');
      const RawResponse response = rig.post(path, body);
      EXPECT_EQ(response.status, size > kMost ? 413 : 200) << path << size << response.body;
      if (size <= kMost) continue;
      const Json answer = Json::parse(response.body, nullptr, false);
      EXPECT_THAT(message_of(path, answer).get<std::string>(),
                  HasSubstr("has 1001 bytes, more than the 1000 allowed"))
          << path;
    }
  }
}

// Whatever is asked: 503 says when to come back.
TEST(Busy, every_route_that_answers_says_when_to_come_back) {
  ServiceRig rig([](ServiceOptions& options) { options.max_requests = 3; });
  Json embedded = {{"model", "tiny"}, {"input", "a"}};
  std::vector<std::pair<std::string, Json>> asked = {
      {"/v1/embeddings", embedded},
      {"/api/embed", embedded},
      {"/v1/completions", {{"model", "tiny"}, {"prompt", "a"}, {"max_tokens", 1}}},
      {"/api/generate", {{"model", "tiny"}, {"prompt", "a"}, {"stream", false}}},
      {"/completion", {{"model", "tiny"}, {"prompt", "a"}, {"n_predict", 1}}},
      {"/score", {{"model", "tiny"}, {"text_1", "a"}, {"text_2", "b"}}},
      {"/rerank", {{"model", "tiny"}, {"query", "a"}, {"documents", {"b"}}}}};
  for (const Dialect& dialect : dialects())
    if (dialect.path != std::string("/apply-template"))
      asked.emplace_back(dialect.path, dialect.base);
  std::vector<std::unique_ptr<Requests::Ticket>> tickets;
  for (int64_t running = 0; running <= 3; ++running) {
    for (const auto& [path, body] : asked) {
      // A place is free again a moment after its answer is out.
      while (rig.service().state().requests.count() > running) std::this_thread::yield();
      const RawResponse response = rig.post(path, body);
      EXPECT_EQ(response.status, running < 3 ? 200 : 503) << path << running << response.body;
      EXPECT_EQ(response.header("retry-after"), running < 3 ? "" : "1") << path;
    }
    while (rig.service().state().requests.count() > running) std::this_thread::yield();
    tickets.push_back(rig.service().state().requests.admit({}, [] {}));
  }
}

}  // namespace
}  // namespace sparrow
