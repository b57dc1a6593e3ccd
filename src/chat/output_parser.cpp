#include "chat/output_parser.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <utility>

#include "chat/parsers/call_parser.h"

namespace sparrow {
namespace {

constexpr std::string_view kOpen = "<think>";
constexpr std::string_view kClose = "</think>";

// The stage before a format's parser: keeps reasoning, hands on the rest.
class ReasoningFilter {
 public:
  explicit ReasoningFilter(const OutputParserOptions& options)
      : state_(options.has_reasoning ? State::beginning : State::answer),
        is_open_(options.is_reasoning_open) {}

  void push(char byte, CallParser& next, AnswerSink& sink) {
    switch (state_) {
      case State::beginning:
        return push_beginning(byte, next, sink);
      case State::reasoning:
        return push_reasoning(byte, sink);
      case State::behind:
        if (is_markup_space(byte)) return;
        state_ = State::answer;
        [[fallthrough]];
      case State::answer:
        next.push(byte, sink);
    }
  }

  void finish(CallParser& next, AnswerSink& sink) {
    if (state_ == State::beginning) leave_beginning(next, sink);
    if (state_ == State::reasoning && !held_.word().empty()) sink.add_reasoning(held_.text());
  }

 private:
  enum class State { beginning, reasoning, behind, answer };

  // A model may write the tag even where the prompt has it.
  void push_beginning(char byte, CallParser& next, AnswerSink& sink) {
    const bool is_before_tag = held_.word().empty() && is_markup_space(byte);
    held_.add(byte);
    if (is_before_tag) return held_.end_word();
    if (kOpen.starts_with(held_.word())) {
      if (kOpen == held_.word()) begin_reasoning();
      return;
    }
    held_.remove_last();
    leave_beginning(next, sink);
    push(byte, next, sink);
  }

  // There is no tag: what is held goes on without being asked again.
  void leave_beginning(CallParser& next, AnswerSink& sink) {
    const std::string text(held_.text());
    if (is_open_) {
      begin_reasoning();
      for (const char byte : text) push_reasoning(byte, sink);
    } else {
      held_.clear();
      state_ = State::answer;
      for (const char byte : text) next.push(byte, sink);
    }
  }

  void begin_reasoning() {
    held_.clear();
    state_ = State::reasoning;
  }

  // White space is held until it is known not to be the edge.
  void push_reasoning(char byte, AnswerSink& sink) {
    if (held_.word().empty() && is_markup_space(byte)) {
      if (!has_text_) return;
      held_.add(byte);
      return held_.end_word();
    }
    held_.add(byte);
    if (kClose.starts_with(held_.word())) {
      if (kClose == held_.word()) state_ = State::behind;
      return;
    }
    held_.remove_last();
    has_text_ = true;
    if (held_.empty()) return sink.add_reasoning({&byte, 1});
    sink.add_reasoning(held_.text());
    held_.clear();
    push_reasoning(byte, sink);
  }

  State state_;
  bool is_open_;
  bool has_text_ = false;  // the reasoning is more than white space
  HeldText held_;
};

}  // namespace

struct OutputParser::Impl {
  ReasoningFilter reasoning;
  std::unique_ptr<CallParser> calls;
  AnswerSink sink;
};

void append(ChatDelta& to, ChatDelta more) {
  to.content += more.content;
  to.reasoning += more.reasoning;
  std::ranges::move(more.tool_calls, std::back_inserter(to.tool_calls));
}

OutputParser::OutputParser(const OutputFormat& format, OutputParserOptions options) {
  const bool looks_for_calls = !options.tool_names.empty();
  const OutputFormat& used = looks_for_calls ? format : find_output_format("plain");
  impl_ =
      std::make_unique<Impl>(Impl{.reasoning = ReasoningFilter(options),
                                  .calls = used.make(),
                                  .sink = AnswerSink(std::move(options.tool_names), options.seed)});
}

OutputParser::~OutputParser() = default;

ChatDelta OutputParser::push(std::string_view text) {
  for (const char byte : text) impl_->reasoning.push(byte, *impl_->calls, impl_->sink);
  return impl_->sink.take();
}

ChatDelta OutputParser::finish() {
  impl_->reasoning.finish(*impl_->calls, impl_->sink);
  impl_->calls->finish(impl_->sink);
  return impl_->sink.take();
}

bool has_tools(const ChatTemplate& chat_template) {
  return output_format_of(chat_template).name != std::string_view("plain");
}

bool has_reasoning(const ChatTemplate& chat_template) {
  const auto names_tag = [](const std::string& source) {
    return source.find(kOpen) != std::string::npos;
  };
  return names_tag(chat_template.source()) || names_tag(chat_template.source_for_tools());
}

bool opens_reasoning(std::span<const Segment> prompt) {
  if (prompt.empty() || !prompt.back().from_template) return false;
  std::string_view text = prompt.back().text;
  while (!text.empty() && is_markup_space(text.back())) text.remove_suffix(1);
  return text.ends_with(kOpen);
}

std::vector<TokenId> marker_tokens(const OutputFormat& format, const Tokenizer& tokenizer) {
  std::vector<std::string_view> markers(format.markers.begin(), format.markers.end());
  markers.insert(markers.end(), {kOpen, kClose});
  std::vector<TokenId> ids;
  for (const std::string_view marker : markers) {
    if (marker.empty()) continue;
    const std::optional<TokenId> id = tokenizer.find(marker);
    if (id && tokenizer.type(*id) == TokenType::control) ids.push_back(*id);
  }
  std::sort(ids.begin(), ids.end());
  return ids;
}

}  // namespace sparrow
