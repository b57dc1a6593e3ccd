#include "chat/parsers/marked_json.h"

#include <algorithm>
#include <array>

namespace sparrow {
namespace {

constexpr std::string_view kFence = "```";
constexpr std::array<std::string_view, 4> kFenceOpenings = {"```", "```json", "```xml",
                                                            "```tool_call"};
// name, arguments, id, type and one that stands twice.
constexpr size_t kMostBareMembers = 5;

bool is_fence_opening(std::string_view word) {
  return std::find(kFenceOpenings.begin(), kFenceOpenings.end(), word) != kFenceOpenings.end();
}

bool may_become_fence_opening(std::string_view word) {
  return std::any_of(kFenceOpenings.begin(), kFenceOpenings.end(),
                     [&](std::string_view opening) { return opening.starts_with(word); });
}

}  // namespace

void MarkedJsonParser::push(char byte, AnswerSink& sink) {
  if (state_ == State::object) return push_object(byte, sink);
  if (!is_markup_space(byte)) return push_word(byte, sink);
  if (held_.word().empty()) {
    held_.add(byte);
    held_.end_word();
  } else if (is_fence_opening(held_.word())) {
    held_.add(byte);
    held_.end_word();
    is_fenced_ = true;
    state_ = State::fenced;
  } else {
    give_up(sink);
    push(byte, sink);
  }
}

void MarkedJsonParser::push_word(char byte, AnswerSink& sink) {
  const bool follows = state_ == State::after_call;
  if (held_.word().empty()) {
    const bool is_behind_marker = state_ == State::marked || (follows && is_marked_);
    if (byte == '{' && (is_behind_marker || is_beginning_)) return begin_object(byte);
    if (follows && byte != 0 && byte == syntax_.separator) {
      held_.add(byte);
      return held_.end_word();
    }
  }
  held_.add(byte);
  if (continue_marker()) return;
  held_.remove_last();
  if (held_.empty() && state_ == State::text) {
    is_beginning_ = false;
    return sink.add_content({&byte, 1});
  }
  give_up(sink);
  push(byte, sink);
}

// Whether the word is a marker that may stand here, or may become one.
bool MarkedJsonParser::continue_marker() {
  const std::string_view word = held_.word();
  const bool follows = state_ == State::after_call;
  if (state_ != State::marked && syntax_.open.starts_with(word)) {
    if (word != syntax_.open) return true;
    held_.end_word();
    is_marked_ = true;
    state_ = State::marked;
    return true;
  }
  if (follows && is_marked_ && syntax_.close.starts_with(word)) {
    if (word != syntax_.close) return true;
    held_.clear();
    is_marked_ = false;
    return true;
  }
  if (follows && is_fenced_) {
    if (word == kFence) {
      held_.clear();
      is_fenced_ = false;
    }
    return kFence.starts_with(word);
  }
  return is_beginning_ && !is_fenced_ && state_ != State::marked && may_become_fence_opening(word);
}

void MarkedJsonParser::begin_object(char byte) {
  is_marked_ = state_ == State::marked || (state_ == State::after_call && is_marked_);
  object_begin_ = held_.size();
  held_.add(byte);
  scanner_.reset();
  scanner_.push(byte);
  state_ = State::object;
}

void MarkedJsonParser::push_object(char byte, AnswerSink& sink) {
  const JsonScanner::Event event = scanner_.push(byte);
  if (event == JsonScanner::Event::broken) {
    give_up(sink);
    return push(byte, sink);
  }
  held_.add(byte);
  if (event == JsonScanner::Event::object_end) return end_object(sink);
  if (!is_marked_ && !may_be_bare_call(event, sink)) give_up(sink);
}

bool MarkedJsonParser::may_be_bare_call(JsonScanner::Event event, const AnswerSink& sink) const {
  if (event == JsonScanner::Event::none) return true;
  const JsonScanner::Member& member = scanner_.members().back();
  const std::string_view object = held_.text().substr(object_begin_);
  const CallKey key = call_key(object, member);
  if (event == JsonScanner::Event::key)
    return key != CallKey::other && scanner_.members().size() <= kMostBareMembers;
  if (key != CallKey::name) return true;
  const std::optional<std::string> name =
      read_string(object.substr(member.value_begin, member.value_end - member.value_begin));
  return name && (syntax_.takes_any_bare || sink.has_tool(*name));
}

void MarkedJsonParser::end_object(AnswerSink& sink) {
  const std::string_view object = held_.text().substr(object_begin_);
  const auto has_arguments = [&] {
    return std::any_of(scanner_.members().begin(), scanner_.members().end(),
                       [&](const JsonScanner::Member& member) {
                         const CallKey key = call_key(object, member);
                         return key == CallKey::arguments || key == CallKey::parameters;
                       });
  };
  std::optional<ToolCall> call;
  if (is_marked_ || has_arguments()) call = read_call(object, scanner_.members());
  if (!call) return give_up(sink);
  sink.add_call(std::move(*call));
  held_.clear();
  follows_call_ = true;
  state_ = State::after_call;
}

// What is held is content, and so are bare objects from here on.
void MarkedJsonParser::give_up(AnswerSink& sink) {
  sink.add_content(follows_call_ ? held_.text_from_first_word() : held_.text());
  held_.clear();
  is_beginning_ = false;
  is_marked_ = false;
  is_fenced_ = false;
  follows_call_ = false;
  state_ = State::text;
}

}  // namespace sparrow
