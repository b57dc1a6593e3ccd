// The machine of the formats whose call is one JSON object, behind a marker or bare.
#pragma once

#include <string_view>

#include "chat/parsers/call_json.h"
#include "chat/parsers/call_parser.h"

namespace sparrow {

struct MarkedJsonSyntax {
  std::string_view open;        // "<tool_call>"; its first byte stands in it only once
  std::string_view close;       // "</tool_call>"; empty: a call needs no end
  char separator = 0;           // may stand between two calls; 0: none
  bool takes_any_bare = false;  // a bare call may name any tool, not only the request's
};

class MarkedJsonParser : public CallParser {
 public:
  explicit MarkedJsonParser(const MarkedJsonSyntax& syntax) : syntax_(syntax) {}

  void push(char byte, AnswerSink& sink) override;
  void finish(AnswerSink& sink) override { give_up(sink); }

 private:
  enum class State {
    text,        // what is held is white space and the beginning of a marker
    marked,      // behind the opening marker: an object must come
    fenced,      // behind the opening of a fence: a call must come
    object,      // in an object
    after_call,  // calls, ends and separators may come
  };

  void push_word(char byte, AnswerSink& sink);
  bool continue_marker();
  void begin_object(char byte);
  void push_object(char byte, AnswerSink& sink);
  bool may_be_bare_call(JsonScanner::Event event, const AnswerSink& sink) const;
  void end_object(AnswerSink& sink);
  void give_up(AnswerSink& sink);

  MarkedJsonSyntax syntax_;
  State state_ = State::text;
  HeldText held_;
  bool is_beginning_ = true;  // of the answer: nothing but calls has come
  bool is_marked_ = false;    // the call or its successor stands behind an opening marker
  bool is_fenced_ = false;
  bool follows_call_ = false;  // the white space that is held belongs to the call before
  JsonScanner scanner_;
  size_t object_begin_ = 0;  // in what is held
};

}  // namespace sparrow
