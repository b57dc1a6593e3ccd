#include "apps/cli/repl_command.h"

#include <array>
#include <utility>

namespace sparrow::cli {
namespace {

constexpr std::string_view kQuotes = "\"\"\"";

bool is_space(char c) { return c == ' ' || c == '\t'; }

std::string_view trim(std::string_view text) {
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

// The first word, which is taken off `text`.
std::string_view take_word(std::string_view& text) {
  text = trim(text);
  size_t size = 0;
  while (size < text.size() && !is_space(text[size])) ++size;
  const std::string_view word = text.substr(0, size);
  text = trim(text.substr(size));
  return word;
}

ReplCommand usage(std::string_view text) { return {ReplVerb::usage, std::string(text), {}, true}; }

struct Switch {
  std::string_view word;
  ReplVerb verb;
  bool is_on;
};
constexpr std::array<Switch, 7> kSwitches = {{
    {"history", ReplVerb::set_history, true},
    {"nohistory", ReplVerb::set_history, false},
    {"wordwrap", ReplVerb::set_wordwrap, true},
    {"nowordwrap", ReplVerb::set_wordwrap, false},
    {"verbose", ReplVerb::set_verbose, true},
    {"quiet", ReplVerb::set_verbose, false},
    {"noformat", ReplVerb::set_format, false},
}};

ReplCommand parse_parameter(std::string_view rest) {
  const std::string name(take_word(rest));
  std::vector<std::string> values = split_words(rest);
  if (name.empty() || values.empty()) return {ReplVerb::help, "parameters", {}, true};
  return {ReplVerb::set_parameter, name, std::move(values), true};
}

ReplCommand parse_set(std::string_view rest) {
  const std::string_view what = take_word(rest);
  for (const Switch& row : kSwitches) {
    if (what == row.word) return {row.verb, std::string(rest), {}, row.is_on};
  }
  if (what.empty()) return {ReplVerb::help, "set", {}, true};
  if (what == "format") return {ReplVerb::set_format, std::string(rest), {}, true};
  if (what == "parameter") return parse_parameter(rest);
  if (what == "seed") {
    if (rest.empty()) return usage("/set seed NUMBER");
    return {ReplVerb::set_parameter, "seed", split_words(rest), true};
  }
  if (what == "system") {
    if (rest.empty()) return usage("/set system TEXT (\"\" for none)");
    const bool is_empty = rest == "\"\"";
    return {ReplVerb::set_system, is_empty ? "" : std::string(rest), {}, true};
  }
  return {ReplVerb::unknown, "/set " + std::string(what), {}, true};
}

ReplCommand with_name(ReplVerb verb, std::string_view command, std::string_view rest) {
  const std::string_view name = take_word(rest);
  if (name.empty() || !rest.empty()) return usage(std::string(command) + " MODEL");
  return {verb, std::string(name), {}, true};
}

bool is_command(std::string_view line) {
  if (!line.starts_with('/') || line.size() < 2 || line.find('\n') != std::string_view::npos) {
    return false;
  }
  const char first = line[1];
  if (first != '?' && !(first >= 'a' && first <= 'z') && !(first >= 'A' && first <= 'Z')) {
    return false;
  }
  std::string_view rest = line;
  return take_word(rest).find('/', 1) == std::string_view::npos;
}

// The text of a block: the line breaks beside its quotes are not part of it.
std::string block_text(std::string_view text) {
  if (text.starts_with('\n')) text.remove_prefix(1);
  if (text.ends_with('\n')) text.remove_suffix(1);
  return std::string(text);
}

}  // namespace

std::vector<std::string> split_words(std::string_view text) {
  std::vector<std::string> words;
  std::string word;
  bool is_quoted = false, has_word = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '"') {
      is_quoted = !is_quoted;
      has_word = true;
    } else if (is_quoted && c == '\\' && i + 1 < text.size()) {
      const char next = text[++i];
      word += next == 'n' ? '\n' : next == 't' ? '\t' : next;
    } else if (!is_quoted && is_space(c)) {
      if (has_word) words.push_back(std::exchange(word, {}));
      has_word = false;
    } else {
      word += c;
      has_word = true;
    }
  }
  if (has_word) words.push_back(std::move(word));
  return words;
}

ReplCommand parse_repl_command(std::string_view line) {
  if (!is_command(trim(line))) return {ReplVerb::message, std::string(line), {}, true};
  std::string_view rest = trim(line);
  const std::string_view command = take_word(rest);
  if (command == "/?" || command == "/help") {
    if (rest.starts_with('/')) rest.remove_prefix(1);
    return {ReplVerb::help, std::string(rest), {}, true};
  }
  if (command == "/bye" || command == "/exit") return {ReplVerb::bye, {}, {}, true};
  if (command == "/clear") return {ReplVerb::clear, {}, {}, true};
  if (command == "/list") return {ReplVerb::list, std::string(rest), {}, true};
  if (command == "/load") return with_name(ReplVerb::load, command, rest);
  if (command == "/save") return with_name(ReplVerb::save, command, rest);
  if (command == "/set") return parse_set(rest);
  if (command == "/show") {
    if (rest.empty()) return {ReplVerb::help, "show", {}, true};
    return {ReplVerb::show, std::string(rest), {}, true};
  }
  return {ReplVerb::unknown, std::string(command), {}, true};
}

std::optional<ReplCommand> MultilineReader::push(std::string_view line) {
  if (is_open_) {
    const bool is_end = line.ends_with(kQuotes);
    text_ += '\n';
    text_ += is_end ? line.substr(0, line.size() - kQuotes.size()) : line;
    if (is_end) return close(std::exchange(text_, {}));
    return std::nullopt;
  }
  std::string_view rest = trim(line);
  is_system_ = false;
  if (std::string_view after = rest; take_word(after) == "/set" && take_word(after) == "system") {
    is_system_ = after.starts_with(kQuotes);
    if (is_system_) rest = after;
  }
  if (!rest.starts_with(kQuotes)) return parse_repl_command(line);
  rest.remove_prefix(kQuotes.size());
  if (rest.ends_with(kQuotes)) {
    return close(std::string(rest.substr(0, rest.size() - kQuotes.size())));
  }
  is_open_ = true;
  text_ = rest;
  return std::nullopt;
}

std::optional<ReplCommand> MultilineReader::close(std::string text) {
  is_open_ = false;
  const ReplVerb verb = is_system_ ? ReplVerb::set_system : ReplVerb::message;
  return ReplCommand{verb, block_text(text), {}, true};
}

void MultilineReader::reset() {
  is_open_ = false;
  text_.clear();
}

}  // namespace sparrow::cli
