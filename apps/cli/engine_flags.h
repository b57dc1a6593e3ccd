// The flags of an engine that a command loads itself: one place for their names, ranges and words.
#pragma once

#include <CLI/CLI.hpp>
#include <optional>
#include <string>

namespace sparrow::cli {

// Nothing: not given.
struct EngineFlags {
  std::optional<int> threads;  // 0: one a core
  std::optional<std::string> kv_type;
  std::optional<std::string> activations;
};

void add_threads_flag(CLI::App& app, std::optional<int>& threads);

// That one, --kv-type and --activations. The last two are what the command takes where they are not
// given. `flags` outlives the parsing.
void add_engine_flags(CLI::App& app, EngineFlags& flags, const std::string& kv_type = "f16",
                      const std::string& activations = "auto");

}  // namespace sparrow::cli
