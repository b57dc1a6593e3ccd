// A token is on its way to the client before the next one is computed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>

#include "tests/support/service_rig.h"

namespace sparrow {
namespace {

using test_support::ServiceRig;
using testing::HasSubstr;
using testing::Not;

// An engine that takes a step each time it is told to, and else stands still where the tokens of a
// step have just been handed out: on its own thread, in the callback of a request that runs beside
// those of the test.
class SteppedEngine {
 public:
  explicit SteppedEngine(std::shared_ptr<Engine> engine) : engine_(std::move(engine)) {
    hold(holder_ = submit());
    await_hold(1);
  }
  ~SteppedEngine() {
    {
      const std::scoped_lock lock(mutex_);
      allowed_ = INT64_MAX;
      changed_.notify_all();
    }
    for (const auto& stream : {holder_, first_}) {
      if (stream == nullptr) continue;
      stream->cancel();
      while (stream->next_within(1) || !stream->is_finished()) continue;
    }
  }

  // Runs what was submitted meanwhile until the tokens of its first step are out. Tokens go out in
  // the order in which requests came, so another request, the last one, has to hold from here on.
  void begin() {
    const auto last = submit();
    hold(last);
    first_ = std::exchange(holder_, last);
    first_->cancel();
    take_step();
  }
  void take_step() {
    std::unique_lock lock(mutex_);
    const int64_t next = held_ + 1;
    ++allowed_;
    changed_.notify_all();
    changed_.wait(lock, [&] { return held_ >= next; });
  }
  // Of other requests.
  int64_t waiting_count() const { return engine_->stats().waiting_count; }

 private:
  std::shared_ptr<OutputStream> submit() {
    return engine_->submit(
        {.prompt = engine_->encode("a", true), .params = {.ignore_eos = true, .max_tokens = 400}});
  }
  void hold(const std::shared_ptr<OutputStream>& stream) {
    // What has come already is told on this thread, which must go on.
    stream->on_readable([this, weak = std::weak_ptr(stream), here = std::this_thread::get_id()] {
      const std::shared_ptr<OutputStream> held = weak.lock();
      if (held == nullptr) return;
      const std::optional<TextDelta> delta = held->next_within(0);
      const bool has_ended = !delta || delta->finish_reason != FinishReason::none;
      if (has_ended || std::this_thread::get_id() == here) return;
      std::unique_lock lock(mutex_);
      ++held_;
      changed_.notify_all();
      changed_.wait(lock, [&] { return allowed_ >= held_; });
    });
  }
  void await_hold(int64_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return held_ >= count; });
  }

  const std::shared_ptr<Engine> engine_;
  std::shared_ptr<OutputStream> holder_;
  std::shared_ptr<OutputStream> first_;
  std::mutex mutex_;
  std::condition_variable changed_;
  int64_t held_ = 0;     // how often the engine has stood still
  int64_t allowed_ = 0;  // how often it may have gone on
};

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
