// Logging for the library: it never prints by itself; messages go to a spdlog logger on stderr.
#pragma once

#include <spdlog/spdlog.h>

#include <memory>

namespace sparrow {

// The library's logger. Thread-safe. Level `warn` unless SPARROW_LOG says
// trace|debug|info|warn|error|off.
spdlog::logger& log();

}  // namespace sparrow
