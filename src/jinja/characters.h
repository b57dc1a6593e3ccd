// UTF-8 as Python's str sees it: a sequence of code points with properties and case.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "jinja/generated/character_tables.h"

namespace sparrow::jinja {

// One character of a text. A byte that is not UTF-8 is a character of its own, whose code is
// kInvalidByte plus the byte, so that every text can be walked and copied without loss.
struct Character {
  char32_t code;
  size_t size_bytes;
};
constexpr char32_t kInvalidByte = 0x110000;

Character character_at(std::string_view text, size_t at);
// The start of the character that ends at `end` (`end` > 0).
size_t previous_character(std::string_view text, size_t end);
bool is_ascii(std::string_view text);
int64_t character_count(std::string_view text);
// The byte offset of character `index`; the size where the text has fewer.
size_t byte_offset(std::string_view text, int64_t index);

// `code` at most U+10FFFF, or an invalid byte as character_at gives it.
void append_character(std::string& out, char32_t code);

bool has_property(char32_t code, uint16_t any_of);
bool is_space(char32_t code);  // str.isspace of one character, and \s of Python's re
bool is_word(char32_t code);   // \w of Python's re
bool is_cased(char32_t code);

// Append the upper, lower, title or folded form of one character: one to three characters.
void append_upper(std::string& out, char32_t code);
void append_lower(std::string& out, char32_t code);
void append_title(std::string& out, char32_t code);
void append_folded(std::string& out, char32_t code);

}  // namespace sparrow::jinja
