// A whole server with one tiny model, and requests to it over real sockets.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "base/json.h"
#include "server/service.h"
#include "tests/support/raw_client.h"
#include "tests/support/test_folder.h"
#include "tests/support/tiny_model.h"

namespace sparrow::test_support {

class TinyService : public testing::Test {
 protected:
  struct Answer {
    RawResponse response;
    Json json;                                         // discarded where the body is none
    std::vector<std::pair<std::string, Json>> events;  // of a stream: name and data
  };

  TinyService() {
    const auto bytes = tiny_gguf(tiny_model("qwen2"));
    write_test_file(folder_.file("tiny.gguf"),
                    {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
    ServiceOptions options;
    options.http.access_log = nullptr;
    options.models.store_root = folder_.path();
    options.models.models = {folder_.file("tiny.gguf")};
    options.models.engine.thread_count = 1;
    options.models.engine.activations = "f32";
    service_ = std::make_unique<Service>(options);
    service_->start();
  }

  Answer ask(const std::string& method, const std::string& target, const std::string& body = "") {
    RawClient client(service_->addresses().front());
    client.send(
        fmt::format("{} {} HTTP/1.1\r\nHost: localhost\r\nX-Request-Id: test-1\r\n"
                    "Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{}",
                    method, target, body.size(), body));
    Answer answer;
    const auto response = client.read_response();
    EXPECT_TRUE(response && response->is_whole) << method << ' ' << target;
    if (!response) return answer;
    answer.response = *response;
    answer.json = Json::parse(response->body, nullptr, false);
    if (response->header("content-type") == "text/event-stream")
      answer.events = events_of(response->body);
    return answer;
  }
  Answer get(const std::string& target) { return ask("GET", target); }
  Answer post(const std::string& target, const Json& body) {
    return ask("POST", target, body.dump());
  }

  Service& service() { return *service_; }
  void end() { service_.reset(); }

 private:
  static std::vector<std::pair<std::string, Json>> events_of(const std::string& body) {
    std::vector<std::pair<std::string, Json>> events;
    std::string name;
    for (size_t at = 0; at < body.size();) {
      const size_t end = body.find('\n', at);
      const std::string line = body.substr(at, end - at);
      at = end == std::string::npos ? body.size() : end + 1;
      if (line.starts_with("event: ")) name = line.substr(7);
      if (!line.starts_with("data: ")) continue;
      events.emplace_back(name, Json::parse(line.substr(6), nullptr, false));
      name.clear();
    }
    return events;
  }

  TestFolder folder_;
  std::unique_ptr<Service> service_;
};

}  // namespace sparrow::test_support
