// The only place that reads environment variables.
#pragma once

#include <optional>
#include <string>

namespace sparrow {

// The variable's value, or nothing when it is unset or empty.
std::optional<std::string> config_env(const char* name);

}  // namespace sparrow
