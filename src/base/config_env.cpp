#include "base/config_env.h"

#include <cstdlib>

namespace sparrow {

std::optional<std::string> config_env(const char* name) {
  const char* value = std::getenv(name);
  if (value == nullptr || *value == '\0') return std::nullopt;
  return value;
}

}  // namespace sparrow
