// A conversation on its way into a template, prepared as transformers' apply_chat_template does it.
#pragma once

#include <string>

#include "base/json.h"
#include "jinja/value.h"

namespace sparrow {

// Drops the fields of each message that are null and gives a message's reasoning all the names that
// templates know it by. Throws Error{invalid_argument} for what is no conversation.
Json normalized_messages(const Json& messages);

// The messages as values. All text is the user's, but a role that is one of the known names is the
// template's: templates build control tokens of it ('<|' + role + '|>'), and a word of a closed
// list can build no other. A role that is anything else stays the user's.
jinja::Value messages_value(const Json& messages);

// How transformers lets a model go on with the last message: a mark behind its text, and the prompt
// cut where the mark comes out.
class Continuation {
 public:
  // Puts the mark behind the text of `field` in the last of `messages`. Throws
  // Error{invalid_argument} where transformers refuses: no such text, or a template that never
  // names the field.
  Continuation(Json& messages, const std::string& field, const std::string& template_source);

  // Cuts `prompt` behind the text. Throws where the template did not print it.
  void cut(jinja::Text& prompt) const;

 private:
  std::string final_text_;
};

}  // namespace sparrow
