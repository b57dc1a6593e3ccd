// What a conversation may hold, at each limit and one beyond, in every dialect.
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
