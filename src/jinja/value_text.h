// Values as text: Python's str() and repr(), and json.dumps as Hugging Face's `tojson` calls it.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "jinja/value.h"

namespace sparrow::jinja {

// What {{ value }} prints. A string stays as it is, with its writers.
// Each throws where the text would have more than `size_limit` bytes.
Text to_text(const Value& value, size_t size_limit);
std::string repr(const Value& value, size_t size_limit);
// ascii(): repr with everything beyond ASCII escaped.
std::string ascii_repr(const Value& value, size_t size_limit);

struct JsonStyle {
  std::optional<std::string> indent;  // one level's; empty: all on one line
  std::string item_separator = ", ";
  std::string key_separator = ": ";
  bool ensure_ascii = false;
  bool sort_keys = false;
};
std::string to_json_text(const Value& value, const JsonStyle& style, size_t size_limit);

}  // namespace sparrow::jinja
