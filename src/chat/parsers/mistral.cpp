// Mistral: [TOOL_CALLS] [{"name": …, "arguments": {…}, "id": …}, …] up to its tokenizer v7,
// [TOOL_CALLS]name{…} of v11, [TOOL_CALLS]name[ARGS]{…} and name[CALL_ID]…[ARGS]{…} since.
#include "chat/parsers/call_json.h"
#include "chat/parsers/call_parser.h"
#include "chat/parsers/formats.h"

namespace sparrow {
namespace {

constexpr std::string_view kOpen = "[TOOL_CALLS]";
constexpr std::string_view kArguments = "[ARGS]";
constexpr std::string_view kCallId = "[CALL_ID]";
// Longer names are no names: OpenAI's limit is 64.
constexpr size_t kMostNameBytes = 256;

bool is_name_byte(char byte) {
  return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
         (byte >= '0' && byte <= '9') || byte == '_' || byte == '-' || byte == '.' || byte == ':' ||
         byte == '/';
}

class MistralParser : public CallParser {
 public:
  void push(char byte, AnswerSink& sink) override;
  void finish(AnswerSink& sink) override { give_up(sink); }

 private:
  enum class State {
    text,          // what is held is white space and the beginning of [TOOL_CALLS]
    opened,        // behind it
    element,       // an object of the array must come
    name,          // in a bare name, or in the marker behind it
    id,            // in the id behind [CALL_ID], or in the marker behind it
    arguments,     // an object must come
    object,        // in an object
    after_object,  // in the array
    after_call,
  };

  bool push_outside(char byte);
  bool push_name(char byte);
  bool continue_marker(std::string_view marker, State next);
  bool begin_object(char byte);
  void push_object(char byte, AnswerSink& sink);
  void end_object(AnswerSink& sink);
  void give_up(AnswerSink& sink);

  State state_ = State::text;
  HeldText held_;
  bool is_array_ = false;
  bool follows_call_ = false;  // the white space that is held belongs to the call before
  std::string name_;           // of a call that is no object with a name
  std::string id_;
  JsonScanner scanner_;
  size_t object_begin_ = 0;  // in what is held
};

void MistralParser::push(char byte, AnswerSink& sink) {
  if (state_ == State::object) return push_object(byte, sink);
  held_.add(byte);
  const bool is_markup =
      state_ == State::name || state_ == State::id ? push_name(byte) : push_outside(byte);
  if (is_markup) return;
  held_.remove_last();
  if (held_.empty() && state_ == State::text) return sink.add_content({&byte, 1});
  // The beginning of a marker behind a name may be one of the next call.
  const bool has_bracket = state_ != State::text && held_.word() == "[";
  if (has_bracket) held_.remove_last();
  give_up(sink);
  if (has_bracket) push('[', sink);
  push(byte, sink);
}

// Whether the byte, the last one held, continues markup outside of names and objects.
bool MistralParser::push_outside(char byte) {
  const bool begins_word = held_.word().size() == 1;
  if (is_markup_space(byte)) {
    if (begins_word) held_.end_word();
    return begins_word;
  }
  switch (state_) {
    case State::opened:
      is_array_ = byte == '[';
      if (is_array_) {
        held_.end_word();
        state_ = State::element;
        return true;
      }
      if (byte == '{') return begin_object(byte);
      if (!is_name_byte(byte)) return false;
      name_ = byte;
      held_.end_word();
      state_ = State::name;
      return true;
    case State::element:
    case State::arguments:
      return byte == '{' && begin_object(byte);
    case State::after_object:
      if (byte == ']') {
        held_.clear();
        state_ = State::after_call;
        return true;
      }
      if (byte != ',') return false;
      held_.end_word();
      state_ = State::element;
      return true;
    default:
      return continue_marker(kOpen, State::opened);
  }
}

// The same in a bare name or an id, and in the markers behind them.
bool MistralParser::push_name(char byte) {
  std::string& text = state_ == State::name ? name_ : id_;
  if (held_.word().size() > 1 || byte == '[') {
    return continue_marker(kArguments, State::arguments) ||
           (state_ == State::name && continue_marker(kCallId, State::id));
  }
  if (byte == '{') return begin_object(byte);
  if (!is_name_byte(byte) || text.size() == kMostNameBytes) return false;
  text += byte;
  held_.end_word();
  return true;
}

bool MistralParser::continue_marker(std::string_view marker, State next) {
  if (!marker.starts_with(held_.word())) return false;
  if (marker == held_.word()) {
    held_.end_word();
    if (next == State::opened) {
      name_.clear();
      id_.clear();
    }
    state_ = next;
  }
  return true;
}

bool MistralParser::begin_object(char byte) {
  object_begin_ = held_.size() - 1;
  scanner_.reset();
  scanner_.push(byte);
  state_ = State::object;
  return true;
}

void MistralParser::push_object(char byte, AnswerSink& sink) {
  const JsonScanner::Event event = scanner_.push(byte);
  if (event == JsonScanner::Event::broken) {
    give_up(sink);
    return push(byte, sink);
  }
  held_.add(byte);
  if (event == JsonScanner::Event::object_end) end_object(sink);
}

void MistralParser::end_object(AnswerSink& sink) {
  const std::string_view object = held_.text().substr(object_begin_);
  std::optional<ToolCall> call;
  if (name_.empty()) {
    call = read_call(object, scanner_.members());
  } else if (std::optional<std::string> arguments = read_arguments(object)) {
    call = ToolCall{id_, name_, std::move(*arguments)};
  }
  if (!call) return give_up(sink);
  sink.add_mistral_call(std::move(*call));
  held_.clear();
  follows_call_ = true;
  state_ = is_array_ ? State::after_object : State::after_call;
}

// What is held is content.
void MistralParser::give_up(AnswerSink& sink) {
  sink.add_content(follows_call_ ? held_.text_from_first_word() : held_.text());
  held_.clear();
  follows_call_ = false;
  state_ = State::text;
}

}  // namespace

bool teaches_mistral(std::string_view template_source) {
  return template_source.find(kOpen) != std::string_view::npos;
}

std::unique_ptr<CallParser> make_mistral_parser() { return std::make_unique<MistralParser>(); }

}  // namespace sparrow
