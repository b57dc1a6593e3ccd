#include "base/memory_info.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <limits>
#include <string>
#include <string_view>

namespace sparrow {
namespace {

constexpr int64_t kUnknown = std::numeric_limits<int64_t>::max();

// One number from a one-line file; kUnknown for "max" or a missing file.
int64_t read_number(const std::string& path) {
  std::ifstream file(path);
  int64_t value = 0;
  return file >> value ? value : kUnknown;
}

// A field such as "inactive_file" of a cgroup's memory.stat; 0 if it is not there.
int64_t read_stat(const std::string& path, const std::string& field) {
  std::ifstream file(path);
  std::string name;
  for (int64_t value = 0; file >> name >> value;) {
    if (name == field) return value;
  }
  return 0;
}

// "   24576000 kB"
int64_t parse_kilobytes(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
  int64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

int64_t system_available() {
  std::ifstream file("/proc/meminfo");
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with("MemAvailable:")) continue;
    return parse_kilobytes(std::string_view(line).substr(13)) * 1024;
  }
  return kUnknown;
}

// Clean file pages can be given back, so they do not count as used.
int64_t cgroup_available() {
  std::ifstream file("/proc/self/cgroup");
  std::string path;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("0::")) path = line.substr(3);
  }
  int64_t available = kUnknown;
  while (true) {
    const std::string folder = "/sys/fs/cgroup" + (path == "/" ? std::string() : path);
    const int64_t limit = read_number(folder + "/memory.max");
    const int64_t used = read_number(folder + "/memory.current");
    if (limit != kUnknown && used != kUnknown) {
      const int64_t reclaimable = read_stat(folder + "/memory.stat", "inactive_file");
      available = std::min(available, std::max<int64_t>(0, limit - used + reclaimable));
    }
    if (path.empty() || path == "/") return available;
    path = path.substr(0, path.rfind('/'));
  }
}

}  // namespace

int64_t available_memory_bytes() { return std::min(system_available(), cgroup_available()); }

std::string format_bytes(int64_t bytes) {
  constexpr double kMiB = 1024.0 * 1024.0;
  const double value = static_cast<double>(bytes);
  if (value >= 1024 * kMiB) return fmt::format("{:.2f} GiB", value / (1024 * kMiB));
  if (value >= kMiB) return fmt::format("{:.1f} MiB", value / kMiB);
  if (value >= 1024) return fmt::format("{:.1f} KiB", value / 1024);
  return fmt::format("{} B", bytes);
}

}  // namespace sparrow
