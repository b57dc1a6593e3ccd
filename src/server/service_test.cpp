#include "server/service.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <thread>

#include "tests/support/service_rig.h"
#include "tests/support/stepped_engine.h"

namespace sparrow {
namespace {

class ServiceTest : public testing::Test, protected test_support::ServiceRig {
 protected:
  ServiceTest() : ServiceRig(OfFile()) {}

  // Long answers in a stream, which nobody reads to the end.
  void begin(RawClient& client, int64_t count) {
    const Json body = {{"prompt", Json(std::vector<std::string>(count, "hello"))},
                       {"n_predict", 100000},
                       {"ignore_eos", true},
                       {"stream", true}};
    const std::string text = body.dump();
    client.send("POST /completion HTTP/1.1\r\nHost: localhost\r\nContent-Length: " +
                std::to_string(text.size()) + "\r\n\r\n" + text);
    ASSERT_TRUE(client.read_some());  // a small model may be done before anybody looks
  }
};

TEST_F(ServiceTest, ends_in_the_middle_of_answers_and_frees_their_models) {
  std::weak_ptr<Engine> engine = service().state().models.acquire("tiny", std::nullopt);
  RawClient one(service().addresses().front());
  RawClient two(service().addresses().front());
  begin(one, 1);
  begin(two, 3);
  end();
  EXPECT_TRUE(engine.expired());
}

TEST_F(ServiceTest, frees_a_model_whose_answers_came_before_anybody_asked_for_them) {
  for (int i = 0; i < 20; ++i) {
    std::weak_ptr<Engine> engine = service().state().models.acquire("tiny", std::nullopt);
    post("/completion", {{"prompt", {"a", "b", "c", "d"}}, {"n_predict", 1}});
    while (service().state().requests.count() > 0) std::this_thread::yield();
    service().state().models.unload("tiny");
    while (!engine.expired()) std::this_thread::yield();
  }
}

// An engine that runs one request at a time, and stands still with it while another waits.
class QueueTest : public testing::Test {
 protected:
  void ask(const std::string& target, Json body) {
    body["model"] = "tiny";
    body["stream"] = true;
    body["max_tokens"] = 3;
    body["ignore_eos"] = true;
    const std::string text = body.dump();
    client_.send("POST " + target + " HTTP/1.1\r\nHost: localhost\r\nContent-Length: " +
                 std::to_string(text.size()) + "\r\n\r\n" + text);
    while (engine_->waiting_count() == 0) std::this_thread::yield();
    engine_->take_step();  // in which its place is told
  }
  void read_until(const std::string& awaited) {
    while (client_.pending().find(awaited) == std::string::npos && client_.read_some()) continue;
    EXPECT_THAT(client_.pending(), testing::HasSubstr(awaited));
  }
  // What has come once the client was told something, and then everything.
  std::string read_all(const std::string& awaited) {
    read_until(awaited);
    engine_.reset();
    const std::optional<RawResponse> response = client_.read_response();
    EXPECT_TRUE(response && response->is_whole);
    return response ? response->body : "";
  }

  test_support::ServiceRig rig_{
      [](ServiceOptions& options) { options.models.engine.max_sequences = 1; }};
  std::optional<test_support::SteppedEngine> engine_{rig_.service().state().models.acquire("tiny")};
  RawClient client_{rig_.service().addresses().front()};
};

const Json kHello = Json::array({{{"role", "user"}, {"content", "hello"}}});

TEST_F(QueueTest, places_are_seen_among_the_requests) {
  const auto positions = [&] {
    std::vector<int64_t> found;
    const Json listed = rig_.get_json("/requests");
    for (const Json& request : listed["requests"]) found.push_back(request["queue_position"]);
    return found;
  };
  ask("/v1/chat/completions", {{"messages", kHello}});
  while (positions().empty()) std::this_thread::yield();
  std::thread embedding([&] { rig_.post("/embedding", {{"model", "tiny"}, {"content", "a"}}); });
  while (positions().size() < 2) std::this_thread::yield();
  // The engine tells them in its next step; it stands still in that step.
  read_until(": queued: position 1\n");
  EXPECT_THAT(positions(), testing::ElementsAre(1, testing::_));
  read_all(": queued");
  embedding.join();
  EXPECT_THAT(positions(), testing::Each(0));
}

TEST_F(QueueTest, its_place_is_a_comment_in_openais_streams) {
  ask("/v1/chat/completions", {{"messages", kHello}});
  const std::string body = read_all(": queued: position 1\n");
  EXPECT_THAT(body, testing::StartsWith(": queued"));
  EXPECT_THAT(body, testing::EndsWith("data: [DONE]\n\n"));
}

TEST_F(QueueTest, its_place_comes_before_a_responses_first_event) {
  ask("/v1/responses", {{"input", "hello"}});
  const std::string body = read_all(": queued: position 1\n");
  EXPECT_LT(body.find(": queued"), body.find("response.created"));
  EXPECT_THAT(body, testing::HasSubstr("response.incomplete"));
}

TEST_F(QueueTest, its_place_comes_before_a_messages_start) {
  ask("/v1/messages", {{"messages", kHello}});
  const std::string body = read_all(": queued: position 1\n");
  EXPECT_LT(body.find(": queued"), body.find("message_start"));
  EXPECT_THAT(body, testing::HasSubstr("message_stop"));
}

TEST_F(QueueTest, a_failure_after_its_place_was_told_is_an_event) {
  ask("/completion", {{"prompt", "hello"}});
  while (client_.pending().find(": queued") == std::string::npos && client_.read_some()) continue;
  const std::vector<RunningRequest> running = rig_.service().state().requests.list();
  ASSERT_EQ(running.size(), 1u);
  rig_.service().state().requests.cancel(running.front().id, "");
  EXPECT_THAT(read_all(": queued"), testing::HasSubstr("data: "));
}

}  // namespace
}  // namespace sparrow
