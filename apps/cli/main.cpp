// The sparrow program: one table of commands, and the one place that turns errors into a line and
// an exit code.
#include <cstdio>
#include <exception>
#include <new>

#include "apps/cli/command.h"
#include "apps/cli/display_text.h"
#include "apps/cli/exit_code.h"
#include "apps/cli/lost_file.h"
#include "sparrow/error.h"
#include "sparrow/version.h"

namespace sparrow::cli {
namespace {

constexpr Command kCommands[] = {
    {"run", "Chat with a model, or answer one prompt", set_up_run},
    {"serve", "Answer the APIs of Ollama, OpenAI and others over HTTP", set_up_serve},
    {"ps", "Show the models that a server has loaded", set_up_ps},
    {"stop", "Unload a model of a server", set_up_stop},
    {"replay", "Make answers again from their receipts", set_up_replay},
    {"pull", "Get a model of the catalog", set_up_pull},
    {"list", "Show the models that are here", set_up_list},
    {"rm", "Delete models", set_up_rm},
    {"inspect", "Show what a model file holds and what it takes to run it", set_up_inspect},
    {"dequantize", "Write one tensor of a model file as 32-bit floats", set_up_dequantize},
    {"tokenize", "Show the ids and pieces that a text becomes", set_up_tokenize},
    {"render", "Print the prompt that a chat template makes of a conversation", set_up_render},
    {"bench", "Measure how fast a model runs here", set_up_bench},
    {"logits", "Write the logits of every position of a prompt", set_up_logits},
};

int main_inside(int argc, char** argv) {
  end_in_one_line_when_a_file_shrinks();
  CLI::App app{"sparrow: runs a small language model on this device"};
  app.set_version_flag("-v,--version", std::string("sparrow ") + kVersion);
  app.require_subcommand(1);
  for (const Command& command : kCommands) {
    command.set_up(*app.add_subcommand(std::string(command.name), std::string(command.help)));
  }
  try {
    app.parse(argc, argv);
    return 0;
  } catch (const CLI::Success& done) {
    return app.exit(done);
  } catch (const CLI::RuntimeError& verdict) {  // of a command whose answer is no
    return verdict.get_exit_code();
  } catch (const CLI::ParseError& error) {
    app.exit(error);
    return exit_code(ErrorCode::invalid_argument);
  } catch (const Error& error) {
    std::fprintf(stderr, "Error: %s\n", as_one_line(error.what()).c_str());
    return exit_code(error.code());
  } catch (const std::bad_alloc&) {
    std::fprintf(stderr, "Error: not enough memory\n");
    return exit_code(ErrorCode::out_of_memory);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "Error: internal: %s\n", as_one_line(error.what()).c_str());
    return exit_code(ErrorCode::internal);
  }
}

}  // namespace
}  // namespace sparrow::cli

int main(int argc, char** argv) { return sparrow::cli::main_inside(argc, argv); }
