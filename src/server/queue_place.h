// Where a request stands that waits for others to be answered.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace sparrow {

struct QueuePlace {
  int64_t position = 0;          // 1: the next to run
  std::optional<double> time_s;  // until it runs, if that can be told
};

// "queued: position 3, about 12 s"
std::string to_string(const QueuePlace& place);

// Tells from the places that have been left in front how long the rest takes. One thread.
class QueueClock {
 public:
  using Time = std::chrono::steady_clock::time_point;

  // `position` as RequestStats has it, above 0.
  QueuePlace look(int64_t position, Time now);

 private:
  std::optional<Time> first_look_;
  int64_t first_position_ = 0;
};

}  // namespace sparrow
