// One row of the command table: a command's name, help, flags and what it does.
#pragma once

#include <CLI/CLI.hpp>
#include <string_view>

namespace sparrow::cli {

struct Command {
  std::string_view name;
  std::string_view help;
  // Adds flags to `app` and sets its callback. Throws sparrow::Error from the callback; main prints
  // it.
  void (*set_up)(CLI::App& app);
};

// A file a command, a row in main.cpp.
void set_up_inspect(CLI::App& app);
void set_up_dequantize(CLI::App& app);
void set_up_tokenize(CLI::App& app);
void set_up_render(CLI::App& app);
void set_up_logits(CLI::App& app);
void set_up_bench(CLI::App& app);
void set_up_run(CLI::App& app);
void set_up_serve(CLI::App& app);
void set_up_ps(CLI::App& app);
void set_up_stop(CLI::App& app);
void set_up_replay(CLI::App& app);
void set_up_pull(CLI::App& app);
void set_up_list(CLI::App& app);
void set_up_rm(CLI::App& app);

}  // namespace sparrow::cli
