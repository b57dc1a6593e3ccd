#include "chat/parsers/call_json.h"

#include <algorithm>
#include <array>

#include "base/error.h"
#include "base/json.h"
#include "chat/parsers/call_parser.h"

namespace sparrow {
namespace {

using Member = JsonScanner::Member;

bool is_number_byte(char byte) {
  return (byte >= '0' && byte <= '9') || byte == '-' || byte == '+' || byte == '.' || byte == 'e' ||
         byte == 'E';
}

bool is_hex_digit(char byte) {
  return (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'f') ||
         (byte >= 'A' && byte <= 'F');
}

// Nothing for what is no JSON within the limits.
std::optional<TreeJson> try_parse(std::string_view text) {
  try {
    return parse_tree_json(text, "a tool call");
  } catch (const Error&) {
    return std::nullopt;
  }
}

std::string_view value_of(std::string_view object, const Member& member) {
  return object.substr(member.value_begin, member.value_end - member.value_begin);
}

// The last of its name counts, as it does for every JSON parser there is.
struct CallMembers {
  const Member* name = nullptr;
  const Member* arguments = nullptr;
  const Member* parameters = nullptr;
  const Member* id = nullptr;
  bool has_others = false;
};

CallMembers call_members(std::string_view object, const std::vector<Member>& members) {
  CallMembers found;
  for (const Member& member : members) {
    switch (call_key(object, member)) {
      case CallKey::name:
        found.name = &member;
        break;
      case CallKey::arguments:
        found.arguments = &member;
        break;
      case CallKey::parameters:
        found.parameters = &member;
        break;
      case CallKey::id:
        found.id = &member;
        break;
      case CallKey::type:
        break;
      case CallKey::other:
        found.has_others = true;
    }
  }
  return found;
}

}  // namespace

void JsonScanner::reset() { *this = {}; }

JsonScanner::Event JsonScanner::push(char byte) {
  ++size_;
  switch (inside_) {
    case Inside::string:
    case Inside::escape:
    case Inside::unicode:
      return inside_string(byte);
    case Inside::number: {
      if (is_number_byte(byte)) return Event::none;
      inside_ = Inside::nothing;
      const Event ended = end_value(size_ - 1);
      const Event event = structure(byte);
      return event == Event::none ? ended : event;
    }
    case Inside::word:
      if (byte != missing_word_.front()) return Event::broken;
      missing_word_.remove_prefix(1);
      if (!missing_word_.empty()) return Event::none;
      inside_ = Inside::nothing;
      return end_value(size_);
    case Inside::nothing:
      return structure(byte);
  }
  return Event::broken;
}

JsonScanner::Event JsonScanner::inside_string(char byte) {
  if (inside_ == Inside::unicode) {
    if (!is_hex_digit(byte)) return Event::broken;
    if (--missing_digits_ == 0) inside_ = Inside::string;
  } else if (inside_ == Inside::escape) {
    if (std::string_view("\"\\/bfnrtu").find(byte) == std::string_view::npos) return Event::broken;
    inside_ = byte == 'u' ? Inside::unicode : Inside::string;
    missing_digits_ = 4;
  } else if (byte == '\\') {
    inside_ = Inside::escape;
  } else if (byte == '"') {
    inside_ = Inside::nothing;
    return end_string();
  } else if (static_cast<unsigned char>(byte) < 0x20) {
    return Event::broken;
  }
  return Event::none;
}

JsonScanner::Event JsonScanner::structure(char byte) {
  if (is_markup_space(byte)) return expects_ == Expects::object ? Event::broken : Event::none;
  switch (expects_) {
    case Expects::object:
      return byte == '{' ? open(byte) : Event::broken;
    case Expects::first_key:
    case Expects::key:
      if (byte == '}' && expects_ == Expects::first_key) return close(byte);
      if (byte != '"') return Event::broken;
      if (is_outermost()) members_.push_back({.key_begin = size_ - 1});
      inside_ = Inside::string;
      is_key_ = true;
      return Event::none;
    case Expects::colon:
      if (byte != ':') return Event::broken;
      expects_ = Expects::value;
      return Event::none;
    case Expects::first_value:
      if (byte == ']') return close(byte);
      return begin_value(byte);
    case Expects::value:
      return begin_value(byte);
    case Expects::comma:
      if (byte != ',') return close(byte);
      expects_ = open_.back() == '{' ? Expects::key : Expects::value;
      return Event::none;
  }
  return Event::broken;
}

JsonScanner::Event JsonScanner::begin_value(char byte) {
  if (is_outermost()) members_.back().value_begin = size_ - 1;
  if (byte == '{' || byte == '[') return open(byte);
  if (byte == '"') {
    inside_ = Inside::string;
    is_key_ = false;
    return Event::none;
  }
  if (byte == '-' || (byte >= '0' && byte <= '9')) {
    inside_ = Inside::number;
    return Event::none;
  }
  for (const std::string_view word : {"true", "false", "null"}) {
    if (byte != word.front()) continue;
    inside_ = Inside::word;
    missing_word_ = word.substr(1);
    return Event::none;
  }
  return Event::broken;
}

JsonScanner::Event JsonScanner::open(char bracket) {
  if (open_.size() == JsonLimits{}.depth) return Event::broken;
  open_ += bracket;
  expects_ = bracket == '{' ? Expects::first_key : Expects::first_value;
  return Event::none;
}

JsonScanner::Event JsonScanner::close(char bracket) {
  if (bracket != (open_.back() == '{' ? '}' : ']')) return Event::broken;
  open_.pop_back();
  return open_.empty() ? Event::object_end : end_value(size_);
}

JsonScanner::Event JsonScanner::end_string() {
  if (!is_key_) return end_value(size_);
  expects_ = Expects::colon;
  if (!is_outermost()) return Event::none;
  members_.back().key_end = size_;
  return Event::key;
}

JsonScanner::Event JsonScanner::end_value(size_t end) {
  expects_ = Expects::comma;
  if (!is_outermost()) return Event::none;
  members_.back().value_end = end;
  return Event::value;
}

std::optional<ToolCall> read_call(std::string_view object,
                                  const std::vector<JsonScanner::Member>& members) {
  if (!try_parse(object)) return std::nullopt;
  const CallMembers found = call_members(object, members);
  if (!found.name || (found.arguments && found.parameters)) return std::nullopt;
  const Member* arguments = found.arguments ? found.arguments : found.parameters;
  if (!arguments && found.has_others) return std::nullopt;
  const std::optional<std::string> name = read_string(value_of(object, *found.name));
  const std::optional<std::string> text =
      arguments ? read_arguments(value_of(object, *arguments)) : "{}";
  if (!name || name->empty() || !text) return std::nullopt;
  std::string id;
  if (found.id) id = read_string(value_of(object, *found.id)).value_or("");
  return ToolCall{std::move(id), *name, *text};
}

std::optional<std::string> read_arguments(std::string_view value) {
  const std::optional<TreeJson> json = try_parse(value);
  if (!json) return std::nullopt;
  if (json->is_null()) return "{}";
  if (json->is_object()) return std::string(value);
  if (!json->is_string()) return std::nullopt;
  std::string_view text = json->get_ref<const std::string&>();
  while (!text.empty() && is_markup_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_markup_space(text.back())) text.remove_suffix(1);
  if (text.empty()) return "{}";
  const std::optional<TreeJson> inner = try_parse(text);
  if (!inner || !inner->is_object()) return std::nullopt;
  return std::string(text);
}

CallKey call_key(std::string_view object, const Member& member) {
  const std::optional<std::string> key =
      read_string(object.substr(member.key_begin, member.key_end - member.key_begin));
  if (key == "name") return CallKey::name;
  if (key == "arguments") return CallKey::arguments;
  if (key == "parameters") return CallKey::parameters;
  if (key == "id") return CallKey::id;
  if (key == "type") return CallKey::type;
  return CallKey::other;
}

std::optional<std::string> read_string(std::string_view value) {
  const std::optional<TreeJson> json = try_parse(value);
  if (!json || !json->is_string()) return std::nullopt;
  return json->get<std::string>();
}

}  // namespace sparrow
