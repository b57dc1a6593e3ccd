#include "base/log.h"

#include <spdlog/sinks/stdout_sinks.h>

#include "base/config_env.h"

namespace sparrow {

spdlog::logger& log() {
  static const std::shared_ptr<spdlog::logger> logger = [] {
    auto made = std::make_shared<spdlog::logger>("sparrow",
                                                 std::make_shared<spdlog::sinks::stderr_sink_mt>());
    made->set_pattern("%n: %l: %v");
    made->set_level(spdlog::level::from_str(config_env("SPARROW_LOG").value_or("warn")));
    return made;
  }();
  return *logger;
}

}  // namespace sparrow
