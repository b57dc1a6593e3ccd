#include "apps/cli/repl_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "api/model_defaults.h"
#include "apps/cli/display_text.h"
#include "apps/cli/numbers.h"
#include "apps/cli/progress_bar.h"
#include "apps/cli/word_wrap.h"

namespace sparrow::cli {
namespace {

constexpr std::string_view kHelp = R"(Available Commands:
  /set            Set session variables
  /show           Show model information
  /load <model>   Load a session or model
  /save <model>   Save this session as a model
  /list           List the models that are here
  /clear          Clear session context
  /bye            Exit
  /?, /help       Help for a command (/? set, /? show, /? parameters)
  /? shortcuts    Help for keyboard shortcuts

Use """ to begin a multi-line message.

)";

constexpr std::string_view kHelpSet = R"(Available Commands:
  /set parameter <name> <value>   Set a parameter (/? parameters lists them)
  /set seed <number>              Set the random seed ("random" draws one each time)
  /set system <text>              Set the system message ("" for none)
  /set history                    Enable history
  /set nohistory                  Disable history
  /set wordwrap                   Enable wordwrap
  /set nowordwrap                 Disable wordwrap
  /set verbose                    Show timings and rates
  /set quiet                      Disable timings and rates

)";

constexpr std::string_view kHelpShow = R"(Available Commands:
  /show info         Show details for this model
  /show license      Show model license
  /show parameters   Show parameters for this model
  /show system       Show system message
  /show template     Show prompt template

)";

constexpr std::string_view kHelpShortcuts = R"(Available keyboard shortcuts:
  Ctrl + a            Move to the beginning of the line (Home)
  Ctrl + e            Move to the end of the line (End)
   Alt + b            Move back (left) one word
   Alt + f            Move forward (right) one word
  Ctrl + k            Delete the line after the cursor
  Ctrl + u            Delete the line before the cursor
  Ctrl + w            Delete the word before the cursor
  Ctrl + r            Search the history (Up, Down: step through it)

  Ctrl + l            Clear the screen
  Ctrl + c            Stop the model from responding, or clear the line
  Ctrl + d            Exit sparrow (/bye)

)";

// One row of a list: a name, and a text beside it that is wrapped to the terminal.
std::string help_row(std::string_view name, std::string_view text, int columns) {
  constexpr int kTextColumn = 25;
  WordWrapper wrapper([columns] { return columns - kTextColumn; });
  std::string wrapped = wrapper.push(text);
  wrapped += wrapper.finish();
  std::string row = fmt::format("  {:<{}}", name, kTextColumn - 2);
  for (const char c : wrapped) {
    row += c;
    if (c == '\n') row.append(kTextColumn, ' ');
  }
  return row + "\n";
}

std::string parameters_help() {
  const int columns = terminal_columns();
  std::string text = "Available Parameters (/set parameter <name> <value>):\n";
  text += help_row(kContextParameter,
                   "Tokens the model can see at once; a new value loads the model anew.", columns);
  for (const SamplingField& field : sampling_fields()) {
    text += help_row(field.name, field.doc, columns);
  }
  return text + "\nOllama's names are understood too: num_predict, repeat_last_n, num_ctx.\n\n";
}

// The first `count` lines that are not empty, indented.
std::string first_lines(std::string_view text, int count) {
  std::string lines;
  while (!text.empty() && count > 0) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    const size_t start = line.find_first_not_of(" \t\r");
    if (start == std::string_view::npos) continue;
    lines += fmt::format("    {}\n", line.substr(start));
    --count;
  }
  return lines;
}

std::string info_text(const ChatSession& session) {
  const ModelFacts& model = session.model();
  std::string text;
  const auto line = [&](std::string_view name, const std::string& value) {
    text += fmt::format("    {:<20}{}\n", name, value);
  };
  text += "  Model\n";
  line("architecture", model.architecture);
  line("parameters", model.size);
  if (model.context_length > 0) line("context length", grouped(model.context_length));
  if (model.embedding_length > 0) line("embedding length", grouped(model.embedding_length));
  line("quantization", model.quantization);
  text += "\n  Here\n";
  for (const auto& [name, value] : session.answerer().details()) line(name, value);
  if (!session.params().chosen().empty()) {
    text += "\n  Parameters\n";
    for (const std::string& name : session.params().chosen()) {
      line(name, sampling_field_text(session.params().sampling(), *find_sampling_field(name)));
    }
  }
  if (!session.conversation().system_message().empty()) {
    text += fmt::format("\n  System\n    {}\n", session.conversation().system_message());
  }
  const std::string license = first_lines(model.license, 2);
  if (!license.empty()) text += "\n  License\n" + license;
  return text + "\n";
}

std::string parameters_text(const ChatSession& session) {
  const SamplingParams general;
  std::string chosen, models, others;
  for (const SamplingField& field : sampling_fields()) {
    const std::string value = sampling_field_text(session.params().sampling(), field);
    const std::vector<std::string>& names = session.params().chosen();
    const bool is_chosen = std::find(names.begin(), names.end(), field.name) != names.end();
    const bool is_models =
        sampling_field_text(session.model().params, field) != sampling_field_text(general, field);
    std::string& list = is_chosen ? chosen : is_models ? models : others;
    list += fmt::format("  {:<30} {}\n", field.name, value);
  }
  std::string text;
  if (!chosen.empty()) text += "User defined parameters:\n" + chosen + "\n";
  if (!models.empty()) text += "Model defined parameters:\n" + models + "\n";
  return text + "Defaults:\n" + others + "\n";
}

}  // namespace

std::string greeting(const ChatSession& session) {
  const ModelFacts& model = session.model();
  return fmt::format("{} ({}, {}), {}\n", model.name, model.size, model.quantization,
                     session.context_text());
}

std::string help_text(std::string_view topic) {
  if (topic == "set") return std::string(kHelpSet);
  if (topic == "show") return std::string(kHelpShow);
  if (topic == "shortcut" || topic == "shortcuts") return std::string(kHelpShortcuts);
  if (topic == "parameter" || topic == "parameters") return parameters_help();
  return std::string(kHelp);
}

std::string show_text(const ChatSession& session, std::string_view what) {
  const auto shown = [](std::string_view text) {  // a file's words
    return without_control_characters(text) + "\n";
  };
  if (what == "info") return without_control_characters(info_text(session));
  if (what == "license") {
    const std::string& license = session.model().license;
    return shown(license.empty() ? "No license was specified for this model." : license);
  }
  if (what == "parameters") return parameters_text(session);
  if (what == "template") return shown(session.model().chat_template);
  if (what == "system") {
    const std::string& system = session.conversation().system_message();
    return system.empty() ? "No system message was specified for this model.\n"
                          : shown(system) + "\n";
  }
  return fmt::format("Unknown command '/show {}'. Type /? for help\n", what);
}

std::string wrapped(std::string_view text) {
  WordWrapper wrapper(terminal_columns);
  std::string lines = wrapper.push(text);
  return lines += wrapper.finish();
}

std::string error_text(const Error& error) {
  return wrapped("Error: " + as_one_line(error.what()));
}

}  // namespace sparrow::cli
