// The command line of `sparrow serve`.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

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
  int64_t max_requests = 512;
  int64_t context = 0;
  int64_t max_sequences = 32;
  int threads = 0;
  std::string kv_type = "f16";
  std::string activations = "auto";
};

// `flags` outlives the parsing.
void add_serve_flags(CLI::App& app, ServeFlags& flags);

// Checks the values: Error{invalid_argument|invalid_file} says what would be right.
ServiceOptions service_options(const ServeFlags& flags);

}  // namespace sparrow::cli
