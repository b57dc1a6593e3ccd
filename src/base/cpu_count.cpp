#include "base/cpu_count.h"

#include <sched.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <fstream>
#include <set>
#include <sstream>
#include <string>
#include <thread>

namespace sparrow {
namespace {

std::string first_line(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

std::optional<double> parse_positive(std::string_view text) {
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value <= 0) return std::nullopt;
  return static_cast<double>(value);
}

// The tightest quota on the way from this process's cgroup (version 2) up to the root.
std::optional<double> cgroup2_quota() {
  std::ifstream file("/proc/self/cgroup");
  std::string path;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("0::")) path = line.substr(3);
  }
  std::optional<double> tightest;
  while (true) {
    const std::string folder = "/sys/fs/cgroup" + (path == "/" ? std::string() : path);
    const std::optional<double> quota = parse_cpu_max(first_line(folder + "/cpu.max"));
    if (quota && (!tightest || *quota < *tightest)) tightest = quota;
    if (path.empty() || path == "/") return tightest;
    path = path.substr(0, path.rfind('/'));
  }
}

std::optional<double> cgroup1_quota() {
  const std::string folder = "/sys/fs/cgroup/cpu/";
  const auto quota = parse_positive(first_line(folder + "cpu.cfs_quota_us"));
  const auto period = parse_positive(first_line(folder + "cpu.cfs_period_us"));
  if (!quota || !period) return std::nullopt;
  return *quota / *period;
}

// Cores in the affinity mask; the threads of one core count once.
int allowed_core_count() {
#if defined(__linux__)
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  if (sched_getaffinity(0, sizeof(allowed), &allowed) == 0) {
    std::set<std::string> cores;
    for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
      if (!CPU_ISSET(cpu, &allowed)) continue;
      const std::string name = std::to_string(cpu);
      const std::string siblings =
          first_line("/sys/devices/system/cpu/cpu" + name + "/topology/thread_siblings_list");
      cores.insert(siblings.empty() ? "cpu" + name : siblings);
    }
    if (!cores.empty()) return static_cast<int>(cores.size());
  }
#endif
  return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

}  // namespace

std::optional<double> parse_cpu_max(std::string_view text) {
  const size_t space = text.find(' ');
  if (space == std::string_view::npos) return std::nullopt;
  const auto quota = parse_positive(text.substr(0, space));
  const auto period = parse_positive(text.substr(space + 1));
  if (!quota || !period) return std::nullopt;
  return *quota / *period;
}

int limit_cores(int core_count, std::optional<double> quota) {
  int limit = core_count;
  if (quota && *quota < core_count) limit = static_cast<int>(std::ceil(*quota));
  return std::max(1, limit);
}

int usable_core_count() {
  std::optional<double> quota = cgroup2_quota();
  if (!quota) quota = cgroup1_quota();
  return limit_cores(allowed_core_count(), quota);
}

}  // namespace sparrow
