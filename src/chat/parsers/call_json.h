// The JSON of a tool call: followed as it arrives, read once it is complete.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sparrow/chat.h"

namespace sparrow {

// Follows one JSON object byte by byte: says at the first byte that cannot belong to one, and where
// the object ends. What it lets through may still be no JSON ("01", half a surrogate): reading
// tells.
class JsonScanner {
 public:
  enum class Event {
    none,
    key,         // the outermost object has a further key
    value,       // and the value to it
    object_end,  // the object is complete
    broken,      // this byte does not belong to an object
  };

  // A member of the outermost object, by offsets from its first byte. A key has its quotes.
  struct Member {
    size_t key_begin = 0;
    size_t key_end = 0;
    size_t value_begin = 0;
    size_t value_end = 0;
  };

  void reset();
  // `byte` is the next one; the first is '{'. Nothing may follow object_end and broken.
  Event push(char byte);
  const std::vector<Member>& members() const { return members_; }

 private:
  enum class Expects { object, value, first_value, key, first_key, colon, comma };
  enum class Inside { nothing, string, escape, unicode, number, word };

  Event inside_string(char byte);
  Event structure(char byte);
  Event begin_value(char byte);
  Event open(char bracket);
  Event close(char bracket);
  Event end_string();
  Event end_value(size_t end);
  bool is_outermost() const { return open_.size() == 1; }

  std::string open_;  // the brackets that are open, outermost first
  Expects expects_ = Expects::object;
  Inside inside_ = Inside::nothing;
  bool is_key_ = false;            // the string is one
  int missing_digits_ = 0;         // of a \u escape
  std::string_view missing_word_;  // of true, false or null
  size_t size_ = 0;                // bytes seen
  std::vector<Member> members_;
};

// The call that `object` is, with an id if the model gave one, or nothing where it is none. An
// object that has other members but neither arguments nor parameters is none: dropping them could
// lose the arguments.
std::optional<ToolCall> read_call(std::string_view object,
                                  const std::vector<JsonScanner::Member>& members);

// An object as it stands; {} for null and for a string of nothing; a string's content if that is an
// object. Otherwise nothing.
std::optional<std::string> read_arguments(std::string_view value);

// What a key of a call's object is for.
enum class CallKey { name, arguments, parameters, id, type, other };
CallKey call_key(std::string_view object, const JsonScanner::Member& member);

// The text that a value is, if it is one.
std::optional<std::string> read_string(std::string_view value);

}  // namespace sparrow
