// Puts the file's name into errors of code that knows only a key or a tensor of it.
#pragma once

#include <fmt/format.h>

#include <string>
#include <string_view>

#include "sparrow/error.h"

namespace sparrow {

// Runs `run` and returns what it returns; an Error gets "PATH: " in front unless it has it.
template <typename Run>
auto with_path_in_errors(const std::string& path, const Run& run) {
  try {
    return run();
  } catch (const Error& error) {
    const std::string_view message = error.what();
    if (message.starts_with(path + ":")) throw;
    throw Error(error.code(), fmt::format("{}: {}", path, message));
  }
}

}  // namespace sparrow
