// Template source to tokens, under the settings that Hugging Face gives Jinja: trim_blocks and
// lstrip_blocks on, one newline at the end of the source dropped, newlines written as \n.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "jinja/value.h"

namespace sparrow::jinja {

// Where something stands in the source: both count from 1, columns in characters.
struct Location {
  int32_t line = 1;
  int32_t column = 1;
};

enum class TokenKind : uint8_t {
  data,            // text outside of tags
  variable_begin,  // {{
  variable_end,
  block_begin,  // {%
  block_end,
  name,
  string,
  integer,
  real,
  symbol,  // an operator or bracket: text() says which
  end,     // of the source
};

struct Token {
  TokenKind kind = TokenKind::end;
  Location at;
  std::string text;  // of data, names and symbols; strings with their escapes undone
  Integer integer = 0;
  double real = 0;

  bool is_symbol(std::string_view symbol) const {
    return kind == TokenKind::symbol && text == symbol;
  }
  bool is_name(std::string_view name) const { return kind == TokenKind::name && text == name; }
};

// All tokens, the last one `end`. Throws Error{invalid_file} with line and column.
std::vector<Token> tokenize(std::string_view source);

// "line 3, column 14: …", the form of every error of a template.
std::string located(Location at, std::string_view message);

}  // namespace sparrow::jinja
