#include "jinja/characters.h"

#include <algorithm>
#include <span>

#include "base/utf8.h"

namespace sparrow::jinja {
namespace {

uint16_t properties_of(char32_t code) {
  const auto row = std::partition_point(kPropertyRanges.begin(), kPropertyRanges.end(),
                                        [&](const PropertyRange& r) { return r.last < code; });
  return row != kPropertyRanges.end() && row->first <= code ? row->properties : 0;
}

// Whether the tables map `code`; its form is appended then.
bool append_mapped(std::string& out, char32_t code, std::span<const CaseRun> runs,
                   std::span<const CaseSpecial> specials) {
  const auto run = std::partition_point(runs.begin(), runs.end(),
                                        [&](const CaseRun& r) { return r.last < code; });
  if (run != runs.end() && run->first <= code && (code - run->first) % run->step == 0) {
    append_character(out, static_cast<char32_t>(static_cast<int32_t>(code) + run->delta));
    return true;
  }
  const auto special = std::partition_point(specials.begin(), specials.end(),
                                            [&](const CaseSpecial& s) { return s.code < code; });
  if (special == specials.end() || special->code != code) return false;
  for (const uint32_t to : special->to) {
    if (to != 0) append_character(out, to);
  }
  return true;
}

}  // namespace

Character character_at(std::string_view text, size_t at) {
  const unsigned char first = static_cast<unsigned char>(text[at]);
  if (first < 0x80) return {first, 1};
  const Utf8Character character = decode_utf8(text, at);
  if (!character.is_valid) return {kInvalidByte + first, 1};
  return {character.code_point, character.size_bytes};
}

size_t previous_character(std::string_view text, size_t end) {
  if ((text[end - 1] & 0x80) == 0) return end - 1;
  for (size_t size = 2; size <= std::min<size_t>(4, end); ++size) {
    if (character_at(text.substr(0, end), end - size).size_bytes == size) return end - size;
  }
  return end - 1;
}

bool is_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return (c & 0x80) == 0; });
}

int64_t character_count(std::string_view text) {
  int64_t count = 0;
  for (size_t at = 0; at < text.size(); at += character_at(text, at).size_bytes) ++count;
  return count;
}

size_t byte_offset(std::string_view text, int64_t index) {
  size_t at = 0;
  for (int64_t i = 0; i < index && at < text.size(); ++i) at += character_at(text, at).size_bytes;
  return at;
}

void append_character(std::string& out, char32_t code) {
  if (code < 0x80) {
    out.push_back(static_cast<char>(code));
  } else if (code >= kInvalidByte) {
    out.push_back(static_cast<char>(code - kInvalidByte));
  } else {
    append_utf8(code, out);
  }
}

bool has_property(char32_t code, uint16_t any_of) { return (properties_of(code) & any_of) != 0; }

bool is_space(char32_t code) {
  if (code < 0x80)
    return code == ' ' || (code >= 0x09 && code <= 0x0D) || (code >= 0x1C && code <= 0x1F);
  return code == 0x85 || code == 0xA0 || code == 0x1680 || (code >= 0x2000 && code <= 0x200A) ||
         code == 0x2028 || code == 0x2029 || code == 0x202F || code == 0x205F || code == 0x3000;
}

bool is_word(char32_t code) {
  return code == '_' || has_property(code, kAlpha | kDecimal | kDigit | kNumeric);
}

bool is_cased(char32_t code) { return has_property(code, kUpper | kLower | kTitle); }

void append_upper(std::string& out, char32_t code) {
  if (!append_mapped(out, code, kUpperRuns, kUpperSpecials)) append_character(out, code);
}

void append_lower(std::string& out, char32_t code) {
  if (!append_mapped(out, code, kLowerRuns, kLowerSpecials)) append_character(out, code);
}

void append_title(std::string& out, char32_t code) {
  if (!append_mapped(out, code, kTitleRuns, kTitleSpecials)) append_upper(out, code);
}

void append_folded(std::string& out, char32_t code) {
  if (!append_mapped(out, code, kFoldRuns, kFoldSpecials)) append_lower(out, code);
}

}  // namespace sparrow::jinja
