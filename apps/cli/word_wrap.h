// Breaks a stream of text into lines that fit the terminal, between words and between wide
// characters.
#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace sparrow::cli {

// A word is held back until it is known where it ends, so nothing on the screen is ever taken back.
// Chinese and Japanese break between any two characters, except that a line does not begin with a
// closing mark nor end with an opening one. Used by one thread.
class WordWrapper {
 public:
  // `columns` is asked for the terminal's width at each word: it changes under way.
  explicit WordWrapper(std::function<int()> columns) : columns_(std::move(columns)) {}

  // What may be printed now. `text` is whole characters.
  std::string push(std::string_view text);
  // What was held back.
  std::string finish();

 private:
  void place_word(std::string& out);
  void add(std::string_view bytes, char32_t first, int columns, std::string& out);

  std::function<int()> columns_;
  int line_columns_ = 0;  // printed on the present line
  std::string spaces_;    // held back before the word
  int space_columns_ = 0;
  std::string word_;  // held back
  int word_columns_ = 0;
  char32_t last_ = 0;  // the word's last character
  bool last_is_wide_ = false;
};

}  // namespace sparrow::cli
