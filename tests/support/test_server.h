// A server for tests of what stands on it: a few rows, and one whose exchanges the test answers.
#pragma once

#include <unistd.h>

#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <vector>

#include "base/error.h"
#include "server/http/exchange.h"
#include "server/http/server.h"

namespace sparrow::http {

// A file for this process alone: tests run side by side.
inline std::string scratch_path(const std::string& name) {
  return (std::filesystem::temp_directory_path() / (std::to_string(getpid()) + "_" + name))
      .string();
}

// Something that another thread waits for.
class Event {
 public:
  void set() {
    const std::lock_guard lock(mutex_);
    ++count_;
    changed_.notify_all();
  }
  bool wait(std::chrono::milliseconds most = std::chrono::seconds(10), int count = 1) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, most, [&] { return count_ >= count; });
  }
  int count() {
    const std::lock_guard lock(mutex_);
    return count_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int count_ = 0;
};

// Whatever a handler has been given, for the test to answer.
class Slot {
 public:
  Handler handler() {
    return [this](const std::shared_ptr<Exchange>& exchange) {
      const std::lock_guard lock(mutex_);
      exchange_ = exchange;
      changed_.notify_all();
    };
  }
  std::shared_ptr<Exchange> take() {
    std::unique_lock lock(mutex_);
    SPARROW_CHECK(
        changed_.wait_for(lock, std::chrono::seconds(10), [this] { return exchange_ != nullptr; }));
    return std::move(exchange_);
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::shared_ptr<Exchange> exchange_;
};

inline ErrorBody json_error(const Failure& failure) {
  return {"application/json", "{\"error\":\"" + failure.message + "\"}"};
}

inline std::vector<Route> routes_with(Slot& slot) {
  std::vector<Route> routes;
  routes.push_back({"GET", "/hello", [](const auto& e) {
                      e->reply(200, {{"X-A", "b"}}, "hello");
                    }});
  routes.push_back({"GET", "/io", [](const auto& e) { e->reply(200, {}, "io"); }});
  routes.back().runs_on = RunsOn::io;
  routes.push_back({"POST", "/echo", [](const auto& e) { e->reply(200, {}, e->request().body); }});
  routes.push_back({"POST", "/large", [](const auto& e) {
                      e->reply(200, {}, std::to_string(e->request().body.size()));
                    }});
  routes.back().body = BodySize::large;
  routes.push_back({"GET", "/slot", slot.handler()});
  routes.push_back(
      {"GET", "/throws", [](const auto&) { fail(ErrorCode::not_found, "no such model"); }});
  routes.back().error_shape = json_error;
  routes.push_back({"GET", "/bug", [](const auto&) { throw std::runtime_error("secret"); }});
  routes.push_back({"GET", "/drops", [](const auto&) {}});
  routes.push_back({"GET", "/stream", [](const auto& e) {
                      e->begin_stream(200, {{"Content-Type", "text/plain"}});
                      for (const char* word : {"one ", "two ", "three"}) e->write(word);
                      e->end();
                    }});
  return routes;
}

struct TestServer {
  explicit TestServer(ServerOptions options = {})
      : server(prepared(std::move(options)), routes_with(slot), &metrics) {
    server.start();
  }
  static ServerOptions prepared(ServerOptions options) {
    options.access_log = nullptr;
    return options;
  }
  std::string address() const { return server.addresses().front(); }

  Slot slot;
  Metrics metrics;
  Server server;
};

inline std::string get(const std::string& target, const std::string& headers = "") {
  return "GET " + target + " HTTP/1.1\r\nHost: localhost\r\n" + headers + "\r\n";
}

}  // namespace sparrow::http
