#include "text/nfc.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "base/utf8.h"
#include "text/normalization.h"

namespace sparrow {
namespace {

constexpr uint8_t kInert = 0;           // may end a stretch that composition looks at
constexpr uint8_t kOtherStarter = 255;  // no mark, yet composition may touch it

uint8_t normalization_value(char32_t c) {
  return kNormalizationValue[kNormalizationBlock[c >> 7] * 128 + (c & 127)];
}

uint8_t combining_class(char32_t c) {
  const uint8_t value = normalization_value(c);
  return value == kOtherStarter ? 0 : value;
}

// Hangul syllables are arithmetic: Unicode 16, section 3.12.
constexpr char32_t kSyllable = 0xAC00, kLead = 0x1100, kVowel = 0x1161, kTail = 0x11A7;
constexpr char32_t kLeadCount = 19, kVowelCount = 21, kTailCount = 28;
constexpr char32_t kSyllableCount = kLeadCount * kVowelCount * kTailCount;

void append_decomposed(char32_t c, std::vector<char32_t>& out) {
  if (c >= kSyllable && c < kSyllable + kSyllableCount) {
    const char32_t index = c - kSyllable;
    out.push_back(kLead + index / (kVowelCount * kTailCount));
    out.push_back(kVowel + index % (kVowelCount * kTailCount) / kTailCount);
    if (index % kTailCount != 0) out.push_back(kTail + index % kTailCount);
    return;
  }
  const Decomposition* end = kDecompositions + kDecompositionCount;
  const Decomposition* found =
      std::lower_bound(kDecompositions, end, c,
                       [](const Decomposition& row, char32_t key) { return row.code_point < key; });
  if (found == end || found->code_point != c) {
    out.push_back(c);
    return;
  }
  out.insert(out.end(), kDecompositionText + found->start,
             kDecompositionText + found->start + found->length);
}

// 0 if the two do not join.
char32_t compose(char32_t first, char32_t second) {
  if (first >= kLead && first < kLead + kLeadCount && second >= kVowel &&
      second < kVowel + kVowelCount) {
    return kSyllable + ((first - kLead) * kVowelCount + (second - kVowel)) * kTailCount;
  }
  if (first >= kSyllable && first < kSyllable + kSyllableCount &&
      (first - kSyllable) % kTailCount == 0 && second > kTail && second < kTail + kTailCount) {
    return first + (second - kTail);
  }
  const Composition* end = kCompositions + kCompositionCount;
  const Composition* found =
      std::lower_bound(kCompositions, end, second, [first](const Composition& row, char32_t key) {
        return row.first != first ? row.first < first : row.second < key;
      });
  return found != end && found->first == first && found->second == second ? found->composed : 0;
}

// Marks after a starter stand in the order of their classes, equal ones as they were.
void reorder_marks(std::vector<char32_t>& text) {
  const auto is_starter = [](char32_t c) { return combining_class(c) == 0; };
  for (auto at = text.begin(); at != text.end();) {
    at = std::find_if_not(at, text.end(), is_starter);
    const auto end = std::find_if(at, text.end(), is_starter);
    std::stable_sort(
        at, end, [](char32_t a, char32_t b) { return combining_class(a) < combining_class(b); });
    at = end;
  }
}

// Joins each character to the last starter before it unless something of no lower class, or
// another starter, stands between.
void compose_all(std::vector<char32_t>& text) {
  size_t out = 0;
  size_t starter = SIZE_MAX;
  uint8_t last_class = 0;  // of the character before, if it is no longer joined to the starter
  for (const char32_t c : text) {
    const uint8_t this_class = combining_class(c);
    if (starter != SIZE_MAX) {
      const bool is_adjacent = out == starter + 1;
      const bool is_blocked = !is_adjacent && last_class >= this_class;
      const char32_t joined = is_blocked ? 0 : compose(text[starter], c);
      if (joined != 0) {
        text[starter] = joined;
        continue;
      }
    }
    if (this_class == 0) starter = out;
    last_class = this_class;
    text[out++] = c;
  }
  text.resize(out);
}

// The first byte that may not be ASCII, from `at` on: whole words of ASCII are skipped.
size_t skip_ascii_words(std::string_view text, size_t at) {
  while (at + 8 <= text.size()) {
    uint64_t word;
    std::memcpy(&word, text.data() + at, 8);
    if (word & 0x8080808080808080u) break;
    at += 8;
  }
  return at;
}

// The first character from `at` on that composition might touch; text.size() if there is none.
// `before` receives where the character before it begins, if any was seen.
size_t find_touchable(std::string_view text, size_t at, size_t& before) {
  while (at < text.size()) {
    const size_t after_ascii = skip_ascii_words(text, at);
    if (after_ascii != at) {
      at = after_ascii;
      before = at - 1;
      continue;
    }
    uint32_t size_bytes = 0;
    if (normalization_value(decode_valid_utf8(text.data() + at, size_bytes)) != kInert) return at;
    before = at;
    at += size_bytes;
  }
  return at;
}

}  // namespace

bool is_nfc_stable(std::string_view text) {
  size_t before = 0;
  return find_touchable(text, 0, before) == text.size();
}

std::string to_nfc(std::string_view text) {
  std::string result;
  result.reserve(text.size());
  std::vector<char32_t> stretch;
  for (size_t at = 0; at < text.size();) {
    // A stretch begins with the character before the first that can be touched, and ends before
    // the next that cannot.
    size_t begin = SIZE_MAX;
    size_t end = find_touchable(text, at, begin);
    if (begin == SIZE_MAX || end == text.size()) begin = end;
    result.append(text, at, begin - at);
    if (begin == text.size()) break;
    stretch.clear();
    uint32_t size_bytes = 0;
    for (size_t next = begin; next < text.size(); next = end) {
      const char32_t c = decode_valid_utf8(text.data() + next, size_bytes);
      if (next > begin && normalization_value(c) == kInert) break;
      append_decomposed(c, stretch);
      end = next + size_bytes;
    }
    reorder_marks(stretch);
    compose_all(stretch);
    for (const char32_t c : stretch) append_utf8(c, result);
    at = end;
  }
  return result;
}

}  // namespace sparrow
