// Case and character classes of Python's str.
#include <algorithm>

#include "jinja/characters.h"
#include "jinja/strings.h"

namespace sparrow::jinja {
namespace {

// Calls visit(code, at) for each character.
template <typename Visit>
void for_each_character(std::string_view text, Visit visit) {
  for (size_t at = 0; at < text.size();) {
    const Character c = character_at(text, at);
    visit(c.code, at);
    at += c.size_bytes;
  }
}

// A text of the same writers whose characters are what append(out, code, at) makes of them.
template <typename Append>
Text mapped(const Text& text, Append append) {
  Text result;
  std::string form;
  for_each_character(text.view(), [&](char32_t code, size_t at) {
    form.clear();
    append(form, code, at);
    result.append(form, text.is_from_template(at));
  });
  return result;
}

// Whether a capital sigma at `at` ends a word (Unicode's Final_Sigma): a cased letter before it and
// none after, case-ignorable characters not counted. `last_cased` says whether one stands before.
bool is_final_sigma(std::string_view text, size_t after, bool has_cased_before) {
  if (!has_cased_before) return false;
  while (after < text.size()) {
    const Character c = character_at(text, after);
    if (!has_property(c.code, kCaseIgnorable)) return !is_cased(c.code);
    after += c.size_bytes;
  }
  return true;
}

constexpr char32_t kCapitalSigma = 0x3A3;
constexpr char32_t kFinalSigma = 0x3C2;

// Lower case, which alone depends on the neighbours.
class Lowering {
 public:
  explicit Lowering(std::string_view text) : text_(text) {}

  void append(std::string& out, char32_t code, size_t at) {
    if (code == kCapitalSigma && is_final_sigma(text_, at + 2, has_cased_before_)) {
      append_character(out, kFinalSigma);
    } else {
      append_lower(out, code);
    }
    note(code);
  }
  // A character that is not lowered still counts as a neighbour.
  void note(char32_t code) {
    if (!has_property(code, kCaseIgnorable)) has_cased_before_ = is_cased(code);
  }

 private:
  std::string_view text_;
  bool has_cased_before_ = false;
};

// Most text is ASCII, where a letter's other case is one bit away.
Text with_case_of_ascii(const Text& text, char first, char last) {
  std::string bytes(text.view());
  for (char& c : bytes) {
    if (c >= first && c <= last) c = static_cast<char>(c ^ 0x20);
  }
  return text.with_bytes(std::move(bytes));
}

}  // namespace

Text to_upper(const Text& text) {
  if (is_ascii(text.view())) return with_case_of_ascii(text, 'a', 'z');
  return mapped(text, [](std::string& out, char32_t code, size_t) { append_upper(out, code); });
}

Text to_lower(const Text& text) {
  if (is_ascii(text.view())) return with_case_of_ascii(text, 'A', 'Z');
  Lowering lowering(text.view());
  return mapped(
      text, [&](std::string& out, char32_t code, size_t at) { lowering.append(out, code, at); });
}

Text to_folded(const Text& text) {
  return mapped(text, [](std::string& out, char32_t code, size_t) { append_folded(out, code); });
}

Text to_title(const Text& text) {
  Lowering lowering(text.view());
  bool is_inside_word = false;
  return mapped(text, [&](std::string& out, char32_t code, size_t at) {
    if (is_inside_word) {
      lowering.append(out, code, at);
    } else {
      append_title(out, code);
      lowering.note(code);
    }
    is_inside_word = is_cased(code);
  });
}

Text to_capitalized(const Text& text) {
  Lowering lowering(text.view());
  return mapped(text, [&](std::string& out, char32_t code, size_t at) {
    if (at > 0) return lowering.append(out, code, at);
    append_title(out, code);
    lowering.note(code);
  });
}

Text swap_case(const Text& text) {
  Lowering lowering(text.view());
  return mapped(text, [&](std::string& out, char32_t code, size_t at) {
    if (has_property(code, kUpper)) return lowering.append(out, code, at);
    if (has_property(code, kLower)) {
      append_upper(out, code);
    } else {
      append_character(out, code);
    }
    lowering.note(code);
  });
}

bool is_all_upper(std::string_view text) {
  bool has_upper = false;
  bool has_other_case = false;
  for_each_character(text, [&](char32_t code, size_t) {
    has_upper = has_upper || has_property(code, kUpper);
    has_other_case = has_other_case || has_property(code, kLower | kTitle);
  });
  return has_upper && !has_other_case;
}

bool is_all_lower(std::string_view text) {
  bool has_lower = false;
  bool has_other_case = false;
  for_each_character(text, [&](char32_t code, size_t) {
    has_lower = has_lower || has_property(code, kLower);
    has_other_case = has_other_case || has_property(code, kUpper | kTitle);
  });
  return has_lower && !has_other_case;
}

bool is_titled(std::string_view text) {
  bool is_inside_word = false;
  bool has_cased = false;
  bool is_wrong = false;
  for_each_character(text, [&](char32_t code, size_t) {
    if (has_property(code, kUpper | kTitle)) {
      is_wrong = is_wrong || is_inside_word;
    } else if (has_property(code, kLower)) {
      is_wrong = is_wrong || !is_inside_word;
    }
    is_inside_word = is_cased(code);
    has_cased = has_cased || is_inside_word;
  });
  return has_cased && !is_wrong;
}

bool has_only(std::string_view text, uint16_t any_of) {
  bool has_other = text.empty();
  for_each_character(
      text, [&](char32_t code, size_t) { has_other = has_other || !has_property(code, any_of); });
  return !has_other;
}

bool is_all_space(std::string_view text) {
  bool has_other = text.empty();
  for_each_character(text,
                     [&](char32_t code, size_t) { has_other = has_other || !is_space(code); });
  return !has_other;
}

bool is_identifier(std::string_view text) {
  bool is_wrong = text.empty();
  for_each_character(text, [&](char32_t code, size_t at) {
    const bool fits = at == 0 ? code == '_' || has_property(code, kAlpha) : is_word(code);
    is_wrong = is_wrong || !fits;
  });
  return !is_wrong;
}

}  // namespace sparrow::jinja
