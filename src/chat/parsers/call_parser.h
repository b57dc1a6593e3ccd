// What a format's parser is: bytes in, content and calls out.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "sparrow/chat.h"

namespace sparrow {

// White space of JSON, which models put around markup.
inline bool is_markup_space(char byte) {
  return byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r';
}

// Where a request's content and calls are put. Gives calls their ids.
class AnswerSink {
 public:
  AnswerSink(std::vector<std::string> tool_names, uint64_t seed);

  bool has_tool(std::string_view name) const;
  void add_content(std::string_view text) { delta_.content += text; }
  void add_reasoning(std::string_view text) { delta_.reasoning += text; }
  // The id becomes "call_" and 8 of [a-z0-9].
  void add_call(ToolCall call);
  // Mistral's templates take ids of 9 letters and digits only: the model's own if it is such a one
  // and new, else one made like that.
  void add_mistral_call(ToolCall call);

  // What has come since the last time.
  ChatDelta take();

 private:
  void add(ToolCall call);
  std::string new_id(size_t size) const;

  std::vector<std::string> tool_names_;
  uint64_t seed_;
  int64_t call_count_ = 0;
  std::set<std::string> model_ids_;  // that were taken
  ChatDelta delta_;
};

class CallParser {
 public:
  virtual ~CallParser() = default;
  virtual void push(char byte, AnswerSink& sink) = 0;
  // What was held back.
  virtual void finish(AnswerSink& sink) = 0;
};

// Text that may still become markup; at its end the word that is being compared with markers.
class HeldText {
 public:
  // Adds a byte to the word.
  void add(char byte) { text_ += byte; }
  void remove_last() { text_.pop_back(); }
  // The word is markup, or white space: the next one begins behind it.
  void end_word() { word_begin_ = text_.size(); }
  void clear() {
    text_.clear();
    word_begin_ = 0;
  }

  bool empty() const { return text_.empty(); }
  size_t size() const { return text_.size(); }
  std::string_view text() const { return text_; }
  std::string_view word() const { return std::string_view(text_).substr(word_begin_); }
  std::string_view text_from_first_word() const;

 private:
  std::string text_;
  size_t word_begin_ = 0;
};

}  // namespace sparrow
