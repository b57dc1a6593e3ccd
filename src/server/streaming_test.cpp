// A token is on its way to the client before the next one is computed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <thread>

#include "tests/support/service_rig.h"
#include "tests/support/stepped_engine.h"

namespace sparrow {
namespace {

using test_support::ServiceRig;
using test_support::SteppedEngine;
using testing::HasSubstr;
using testing::Not;

const std::vector<std::string> kWords = {"One", " two", " three", " four"};

TEST(Streaming, each_token_is_with_the_client_before_the_next_is_computed) {
  ServiceRig rig;
  // Prompts of a token each, so that nothing is read in parts.
  rig.add("counter", "{{ messages[0].content }}", test_support::scripted_gguf(kWords));
  const Json messages = Json::array({{{"role", "user"}, {"content", "a"}}});
  const std::vector<std::pair<std::string, Json>> asked = {
      {"/api/chat", {{"messages", messages}}},
      {"/api/generate", {{"prompt", "a"}, {"raw", true}}},
      {"/v1/chat/completions", {{"messages", messages}}},
      {"/v1/completions", {{"prompt", "a"}}},
      {"/v1/responses", {{"input", "a"}}},
      {"/v1/messages", {{"messages", messages}, {"max_tokens", 9}}},
      {"/completion", {{"prompt", "a"}}}};
  for (const auto& [path, request] : asked) {
    std::optional<SteppedEngine> engine;
    engine.emplace(rig.service().state().models.acquire("counter"));
    Json body = request;
    body["model"] = "counter";
    body["stream"] = true;
    const std::string text = body.dump();
    RawClient client(rig.service().addresses().front());
    client.send("POST " + path + " HTTP/1.1\r\nHost: localhost\r\nContent-Length: " +
                std::to_string(text.size()) + "\r\n\r\n" + text);
    while (engine->waiting_count() == 0) std::this_thread::yield();
    engine->begin();
    for (size_t i = 0; i < kWords.size(); ++i) {
      if (i > 0) engine->take_step();
      while (client.pending().find(kWords[i]) == std::string::npos && client.read_some()) continue;
      ASSERT_THAT(client.pending(), HasSubstr(kWords[i])) << path;
      for (size_t later = i + 1; later < kWords.size(); ++later)
        EXPECT_THAT(client.pending(), Not(HasSubstr(kWords[later]))) << path;
    }
    engine.reset();
    const std::optional<RawResponse> response = client.read_response();
    ASSERT_TRUE(response && response->is_whole) << path;
    EXPECT_EQ(response->status, 200) << path;
  }
}

}  // namespace
}  // namespace sparrow
