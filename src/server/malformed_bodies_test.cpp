// Bodies that no honest client sends, to every route that reads JSON, over real sockets: each is
// refused in the words of its API, and the connection then still serves.
#include <gtest/gtest.h>

#include "tests/support/schema_check.h"
#include "tests/support/service_rig.h"

namespace sparrow {
namespace {

using test_support::fits_schema;

struct Malformed {
  std::string body;
  int status = 400;
  std::string headers = {};
};

std::vector<Malformed> malformed_bodies() {
  std::string keys = "{";
  for (int i = 0; i <= 16384; ++i) keys += (i > 0 ? ",\"k" : "\"k") + std::to_string(i) + "\":0";
  const std::string nul("{\"model\":\"a\0\"}", 13);
  const std::string utf16("{\0\"\0a\0\"\0:\0001\0}\0", 14);
  const std::string deep = "{\"model\":" + std::string(64, '[') + std::string(64, ']') + "}";
  std::vector<Malformed> table;
  for (const std::string& body : {std::string(),
                                  std::string("  \r\n"),
                                  std::string("{"),
                                  std::string("}"),
                                  std::string("[]"),
                                  std::string("null"),
                                  std::string("true"),
                                  std::string("\"text\""),
                                  std::string("42"),
                                  std::string("{\"model\":\"tiny\",}"),
                                  std::string("{'model':'tiny'}"),
                                  std::string("{model:\"tiny\"}"),
                                  std::string("{\"model\":\"tiny\"} x"),
                                  std::string("{\"model\":\"tiny\"}{}"),
                                  std::string("{\"model\":NaN}"),
                                  std::string("{\"model\":Infinity}"),
                                  std::string("{\"model\":1e999}"),
                                  std::string("{\"model\":01}"),
                                  std::string("{\"model\":+1}"),
                                  std::string("{\"model\":.5}"),
                                  std::string("{\"model\":0x10}"),
                                  std::string("{\"model\":\"\xff\"}"),
                                  std::string("{\"model\":\"\xc0\xaf\"}"),
                                  std::string("{\"model\":\"\xed\xa0\x80\"}"),
                                  std::string("{\"model\":\"\\ud800\"}"),
                                  std::string("{\"model\":\"\\x41\"}"),
                                  std::string("{\"model\":\"a\nb\"}"),
                                  std::string("{\"model\":\"tiny"),
                                  std::string("{\"model\" \"tiny\"}"),
                                  std::string("{\"model\":}"),
                                  std::string("/* c */{\"model\":\"tiny\"}"),
                                  nul,
                                  utf16,
                                  deep,
                                  keys + "}",
                                  "{\"n\":" + std::string(65, '1') + "}"})
    table.push_back({body});
  for (const char* coding : {"gzip", "zstd", "deflate"})
    table.push_back({"{}", 400, std::string("Content-Encoding: ") + coding + "\r\n"});
  table.push_back({"{}", 415, "Content-Encoding: br\r\n"});
  return table;
}

TEST(MalformedBodies, are_refused_in_each_apis_words_and_nobody_else_notices) {
  const test_support::ServiceRig rig;
  const Json document = rig.get_json("/openapi.json");
  const std::string address = const_cast<test_support::ServiceRig&>(rig).service().addresses()[0];
  RawClient canary(address);
  const auto expect_alive = [&](RawClient& client, const std::string& what) {
    client.send("GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n");
    const auto response = client.read_response();
    ASSERT_TRUE(response.has_value()) << what;
    ASSERT_EQ(response->body, "{\"status\":\"ok\"}") << what;
  };
  const std::vector<Malformed> table = malformed_bodies();
  int64_t count = 0;
  for (const auto& [path, methods] : document["paths"].items()) {
    for (const auto& [name, operation] : methods.items()) {
      const Json media = operation.value("requestBody", Json::object());
      if (!media.contains("content") || !media["content"].contains("application/json")) continue;
      const std::string method = name == "delete" ? "DELETE" : "POST";
      for (const Malformed& malformed : table) {
        ++count;
        const std::string what =
            method + ' ' + path + ' ' + testing::PrintToString(malformed.body.substr(0, 60));
        RawClient client(address);
        client.send(method + ' ' + path + " HTTP/1.1\r\nHost: localhost\r\n" + malformed.headers +
                    "Content-Length: " + std::to_string(malformed.body.size()) + "\r\n\r\n" +
                    malformed.body);
        const auto response = client.read_response();
        ASSERT_TRUE(response.has_value()) << what;
        EXPECT_EQ(response->status, malformed.status) << what;
        const Json& content = operation["responses"][std::to_string(malformed.status)]["content"];
        const Json& shape = content["application/json"]["schema"];
        const Json body = Json::parse(response->body, nullptr, false);
        EXPECT_TRUE(fits_schema(body, shape, document)) << what << '\n' << response->body;
        if (!response->closes) expect_alive(client, what);
        expect_alive(canary, what);
        if (testing::Test::HasFailure()) return;
      }
    }
  }
  EXPECT_GE(count, 1000);
}

}  // namespace
}  // namespace sparrow
