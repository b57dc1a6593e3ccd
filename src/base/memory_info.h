// How much memory this process may still take: what the system says is available, under the
// cgroup's limit.
#pragma once

#include <cstdint>
#include <string>

namespace sparrow {

// In bytes; INT64_MAX where the system does not say.
int64_t available_memory_bytes();

// "1.5 GiB", "37 MiB", "512 B": for messages.
std::string format_bytes(int64_t bytes);

}  // namespace sparrow
