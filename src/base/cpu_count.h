// How many cores this process may really use: its affinity mask, its cgroup's quota, and one
// thread a physical core.
#pragma once

#include <optional>
#include <string_view>

namespace sparrow {

// At least 1.
int usable_core_count();

// cgroup v2's cpu.max ("200000 100000" is 2 CPUs); nothing for "max" or text that is not of this
// form.
std::optional<double> parse_cpu_max(std::string_view text);

// Physical cores under a CPU quota: a fraction still needs a thread. At least 1.
int limit_cores(int core_count, std::optional<double> quota);

}  // namespace sparrow
