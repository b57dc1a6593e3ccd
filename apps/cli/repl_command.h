// What a line of the chat means: a message to the model, or one of the commands that begin with a
// slash, as `ollama run` has them.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sparrow::cli {

enum class ReplVerb {
  message,  // text
  help,     // text: the topic, or empty
  bye,
  clear,
  list,
  load,           // text: the model
  save,           // text: the name
  show,           // text: info, license, parameters, system, template
  set_system,     // text: the message
  set_parameter,  // text: the parameter; values: one, or several of a list
  set_history,    // is_on
  set_wordwrap,   // is_on
  set_verbose,    // is_on
  set_format,     // refused; is_on is false for noformat
  usage,          // a known command with the wrong number of words; text: what is right
  unknown,        // text: the command as typed
};

struct ReplCommand {
  ReplVerb verb = ReplVerb::message;
  std::string text;
  std::vector<std::string> values;
  bool is_on = true;
};

// A line that begins with a slash and a word without another slash is a command: "/bye", but not
// "/usr/bin/env is what?" nor "// a comment". What has several lines is a message.
ReplCommand parse_repl_command(std::string_view line);

// Words as `/set parameter stop "a b" c` writes them: quotes keep spaces, and inside them \n, \t,
// \" and \\ stand for one character.
std::vector<std::string> split_words(std::string_view text);

// Gathers the lines of a """ block.
class MultilineReader {
 public:
  // A whole command or message as soon as one is complete. A block begins with """ at the start of
  // a line or of the text of `/set system`, and ends with """ at the end of a line.
  std::optional<ReplCommand> push(std::string_view line);
  bool is_open() const { return is_open_; }
  void reset();

 private:
  std::optional<ReplCommand> close(std::string text);

  bool is_open_ = false;
  bool is_system_ = false;
  std::string text_;
};

}  // namespace sparrow::cli
