// Text as a terminal shows it: how many columns it takes, and which bytes must never reach it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace sparrow::cli {

// One character of a text, with the marks that stand on it: what no line break may part.
struct TextCluster {
  std::string_view bytes;
  char32_t first = 0;  // its first code point; U+FFFD for a byte that is no UTF-8
  int columns = 0;     // that a terminal gives it; 0 for control characters
};

// The cluster that `text`, which is not empty, begins with.
TextCluster first_cluster(std::string_view text);

// Columns of a whole line: 2 for each wide character and most emoji, 0 for combining marks.
int display_columns(std::string_view text);

// Control characters but newline and tab become U+FFFD: a model's words must not move the cursor,
// or set the window's title, or worse.
std::string without_control_characters(std::string_view text);

// The same for messages, on one line: "\n" and "\x1b" are spelled out.
std::string as_one_line(std::string_view text);

}  // namespace sparrow::cli
