#include "server/service.h"

#include <gtest/gtest.h>

#include "tests/support/tiny_service.h"

namespace sparrow {
namespace {

class ServiceTest : public test_support::TinyService {
 protected:
  // Long answers in a stream, which nobody reads to the end.
  void begin(RawClient& client, int64_t count) {
    const Json body = {{"prompt", Json(std::vector<std::string>(count, "hello"))},
                       {"n_predict", 100000},
                       {"ignore_eos", true},
                       {"stream", true}};
    const std::string text = body.dump();
    client.send("POST /completion HTTP/1.1\r\nHost: localhost\r\nContent-Length: " +
                std::to_string(text.size()) + "\r\n\r\n" + text);
    while (service().state().requests.count() == 0) std::this_thread::yield();
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

}  // namespace
}  // namespace sparrow
