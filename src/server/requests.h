// The requests that are being answered: how many there may be, who can see and cancel them.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "server/http/exchange.h"

namespace sparrow {

// How one of them looks from outside.
struct RunningRequest {
  std::string id;
  std::string path;
  std::string model;
  std::string key_name;  // whose it is; empty without keys
  std::chrono::steady_clock::time_point received_at;
  int64_t prompt_tokens = 0;
  // Where it waits: 1 is the next to run, 0 runs. From any thread; empty for what never waits.
  std::function<int64_t()> queue_position;
};

// Thread-safe. An entry lives as long as the ticket that it was given.
class Requests {
 public:
  // `limit`: of requests at once; one more is refused.
  explicit Requests(int64_t limit) : limit_(limit) {}

  class Ticket {
   public:
    Ticket(Requests& requests, int64_t number) : requests_(requests), number_(number) {}
    ~Ticket() { requests_.remove(number_); }
    Ticket(const Ticket&) = delete;
    Ticket& operator=(const Ticket&) = delete;

   private:
    Requests& requests_;
    int64_t number_;
  };

  // Null if there are too many. `tick`: called now and then while it runs; may be empty. Both come
  // from any thread and must not block.
  std::unique_ptr<Ticket> admit(RunningRequest request, std::function<void()> cancel,
                                std::function<void()> tick = {});
  std::vector<RunningRequest> list() const;  // the oldest first
  // All of that id that this key may see; an empty key sees all. How many they were.
  int64_t cancel(const std::string& id, const std::string& key_name);
  int64_t count() const;
  void tick_all();
  // Cancels all, and returns once they have ended. None may come any more.
  void end_all();

 private:
  struct Entry {
    RunningRequest request;
    std::function<void()> cancel;
    std::function<void()> tick;
  };
  void remove(int64_t number);
  // To be called without the mutex, of those requests that are meant and have one.
  template <typename IsMeant>
  std::vector<std::function<void()>> callbacks(std::function<void()> Entry::*which,
                                               const IsMeant& is_meant) const;

  const int64_t limit_;
  mutable std::mutex mutex_;
  std::condition_variable ended_;
  std::map<int64_t, Entry> entries_;
  int64_t next_number_ = 0;
};

// A request for a model, as it comes in.
RunningRequest running_request(const http::Request& request, std::string model);

// What one too many is told: 503.
http::Failure too_many_requests();

}  // namespace sparrow
