#include "apps/cli/numbers.h"

#include <fmt/format.h>

#include "apps/cli/progress_bar.h"

namespace sparrow::cli {

std::string grouped(int64_t number) {
  std::string digits = fmt::format("{}", number);
  const size_t first = number < 0 ? 1 : 0;
  for (size_t at = digits.size(); at > first + 3;) {
    at -= 3;
    digits.insert(at, 1, ',');
  }
  return digits;
}

std::string short_time(double seconds) {
  if (seconds < 1) return fmt::format("{:.0f}ms", seconds * 1000);
  if (seconds < 60) return fmt::format("{:.2f}s", seconds);
  return duration_text(seconds);
}

}  // namespace sparrow::cli
