// The command line of `sparrow run`.
#pragma once

#include <CLI/CLI.hpp>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "apps/cli/chat_session.h"
#include "apps/cli/engine_flags.h"
#include "apps/cli/open_answerer.h"

namespace sparrow::cli {

struct RunFlags {
  std::string model;
  std::string prompt;  // the first word
  std::optional<std::string> system;
  int64_t context = 0;
  EngineFlags engine;
  std::string rope_scaling;  // empty: the file's
  std::string receipt;       // a file; empty: none
  std::string keep_alive;
  ServerUse server = ServerUse::if_there;
  bool is_raw = false;
  bool is_verbose = false;
  bool no_wordwrap = false;
  std::string format;
  std::map<std::string_view, std::vector<std::string>> sampling;  // by field name
};

// Every field of the sampling table is a flag. `flags` outlives the parsing.
void add_run_flags(CLI::App& app, RunFlags& flags);

// The words of the prompt, once `app` has been parsed. Throws Error{invalid_argument} for an
// unknown flag among them.
std::vector<std::string> prompt_words(const CLI::App& app, const RunFlags& flags);

// Checks the values: Error{invalid_argument} says what would be right.
ChatSettings chat_settings(const RunFlags& flags);
// SPARROW_NO_SERVER, with any value, is --no-server where no flag says otherwise.
AnswererOptions answerer_options(const RunFlags& flags);

}  // namespace sparrow::cli
