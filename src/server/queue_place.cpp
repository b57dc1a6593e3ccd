#include "server/queue_place.h"

#include <fmt/format.h>

#include <cmath>

namespace sparrow {

std::string to_string(const QueuePlace& place) {
  std::string text = fmt::format("queued: position {}", place.position);
  if (place.time_s) text += fmt::format(", about {:.0f} s", std::ceil(*place.time_s));
  return text;
}

QueuePlace QueueClock::look(int64_t position, Time now) {
  // Those that pushed in front of it make the clock begin anew.
  if (!first_look_ || position > first_position_) {
    first_look_ = now;
    first_position_ = position;
  }
  const int64_t gone = first_position_ - position;
  if (gone == 0) return {.position = position};
  const std::chrono::duration<double> waited = now - *first_look_;
  const double place_s = waited.count() / static_cast<double>(gone);
  return {position, place_s * static_cast<double>(position)};
}

}  // namespace sparrow
