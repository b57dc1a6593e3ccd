// The command line of `sparrow serve`.
#pragma once

#include <CLI/CLI.hpp>
#include <optional>
#include <string>
#include <vector>

#include "apps/cli/engine_flags.h"
#include "server/service.h"

namespace sparrow::cli {

struct ServeFlags {
  std::vector<std::string> hosts;
  std::vector<std::string> models;
  std::string unix_socket;
  std::string certificate;
  std::string private_key;
  std::string keys;
  bool allow_anonymous = false;
  std::vector<std::string> names;    // a Host header may have
  std::vector<std::string> origins;  // of web pages, beside the usual ones
  std::string keep_alive;
  // Nothing: as the environment says, else the default.
  std::optional<int64_t> max_requests;
  std::optional<int64_t> context;
  std::optional<int64_t> max_sequences;
  EngineFlags engine;
};

// `flags` outlives the parsing.
void add_serve_flags(CLI::App& app, ServeFlags& flags);

// Of the environment and the flags, which win. Checks the values:
// Error{invalid_argument|invalid_file} says what would be right.
ServiceOptions service_options(const ServeFlags& flags);

}  // namespace sparrow::cli
