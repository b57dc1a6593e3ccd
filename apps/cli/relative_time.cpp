#include "apps/cli/relative_time.h"

#include <fmt/format.h>

#include <array>

namespace sparrow::cli {

std::string relative_time(int64_t unix_s, int64_t now_unix_s) {
  struct Unit {
    int64_t seconds;
    const char* name;
  };
  constexpr int64_t kDay = 86400;
  constexpr std::array<Unit, 7> kUnits = {{{365 * kDay, "year"},
                                           {30 * kDay, "month"},
                                           {7 * kDay, "week"},
                                           {kDay, "day"},
                                           {3600, "hour"},
                                           {60, "minute"},
                                           {1, "second"}}};
  const int64_t age = now_unix_s - unix_s;
  if (age < 0) return "in the future";  // a clock that was set back
  for (const Unit& unit : kUnits) {
    const int64_t count = age / unit.seconds;
    if (count > 0) return fmt::format("{} {}{} ago", count, unit.name, count == 1 ? "" : "s");
  }
  return "now";
}

}  // namespace sparrow::cli
