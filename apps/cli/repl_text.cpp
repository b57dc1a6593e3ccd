#include "apps/cli/repl_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "apps/cli/display_text.h"
#include "apps/cli/inspect_report.h"
#include "apps/cli/numbers.h"
#include "apps/cli/progress_bar.h"
#include "apps/cli/word_wrap.h"
#include "base/memory_info.h"

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

// "1.5B", "135M": what the manifest says, else as counted.
std::string size_text(const OpenedModel& model, int64_t count) {
  const auto said = model.stored.config.find("model_type");
  if (said != model.stored.config.end() && said->is_string()) return said->get<std::string>();
  const auto number = static_cast<double>(count);
  if (count >= 1000 * 1000 * 1000) return fmt::format("{:.1f}B", number / 1e9);
  return count >= 1000 * 1000 ? fmt::format("{:.0f}M", number / 1e6) : grouped(count);
}

std::string quantization_text(const ModelReport& report) {
  if (!report.file_type.empty()) return report.file_type;
  return report.types.empty() ? "none" : "mostly " + report.types.front().type;
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

std::string info_text(ChatSession& session) {
  const OpenedModel& model = session.model();
  const ModelReport report = make_report(*model.file);
  const engine::EnginePlan& plan = session.plan();
  std::string text;
  const auto line = [&](std::string_view name, const std::string& value) {
    text += fmt::format("    {:<20}{}\n", name, value);
  };
  text += "  Model\n";
  line("architecture", report.architecture);
  line("parameters", size_text(model, report.parameter_count));
  if (report.config) {
    line("context length", grouped(report.config->context_length));
    line("embedding length", grouped(report.config->hidden_size));
  }
  line("quantization", quantization_text(report));
  text += "\n  Here\n";
  if (model.stored.digest.empty()) {
    line("file", model.stored.model_path);
  } else {
    line("ID", model.stored.digest.substr(0, 12));
  }
  line("context", grouped(plan.context_length) + " tokens");
  line("weights", format_bytes(plan.weight_bytes));
  line("KV cache", fmt::format("{}, {}", to_string(session.settings().engine.kv_type),
                               format_bytes(plan.kv_bytes)));
  if (!session.params().chosen().empty()) {
    text += "\n  Parameters\n";
    for (const std::string& name : session.params().chosen()) {
      line(name, sampling_field_text(session.params().sampling(), *find_sampling_field(name)));
    }
  }
  if (!session.conversation().system_message().empty()) {
    text += fmt::format("\n  System\n    {}\n", session.conversation().system_message());
  }
  const std::string license = first_lines(model.stored.license, 2);
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
        sampling_field_text(session.model_params(), field) != sampling_field_text(general, field);
    std::string& list = is_chosen ? chosen : is_models ? models : others;
    list += fmt::format("  {:<30} {}\n", field.name, value);
  }
  std::string text;
  if (!chosen.empty()) text += "User defined parameters:\n" + chosen + "\n";
  if (!models.empty()) text += "Model defined parameters:\n" + models + "\n";
  return text + "Defaults:\n" + others + "\n";
}

std::string license_of(const OpenedModel& model) {
  if (!model.stored.license.empty()) return model.stored.license;
  const std::optional<std::string_view> named =
      model.file->metadata().find_string("general.license");
  return named ? std::string(*named) : "No license was specified for this model.";
}

}  // namespace

std::string greeting(const ChatSession& session) {
  const ModelReport report = make_report(*session.model().file);
  return fmt::format("{} ({}, {}), {}\n", session.model().name(),
                     size_text(session.model(), report.parameter_count), quantization_text(report),
                     context_text(session.plan()));
}

std::string help_text(std::string_view topic) {
  if (topic == "set") return std::string(kHelpSet);
  if (topic == "show") return std::string(kHelpShow);
  if (topic == "shortcut" || topic == "shortcuts") return std::string(kHelpShortcuts);
  if (topic == "parameter" || topic == "parameters") return parameters_help();
  return std::string(kHelp);
}

std::string show_text(ChatSession& session, std::string_view what) {
  const auto shown = [](std::string_view text) {  // a file's words
    return without_control_characters(text) + "\n";
  };
  if (what == "info") return without_control_characters(info_text(session));
  if (what == "license") return shown(license_of(session.model()));
  if (what == "parameters") return parameters_text(session);
  if (what == "template") return shown(session.model().chat_template->source());
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
