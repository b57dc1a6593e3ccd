#include "text/pretokenizer.h"

#include <algorithm>
#include <array>
#include <cstdint>

#include "base/utf8.h"
#include "text/character_classes.h"

namespace sparrow {
namespace {

// A character of the text and its classes. At the end: size 0, no class.
struct Character {
  char32_t code_point = 0;
  uint32_t size_bytes = 0;
  uint8_t classes = 0;

  bool is(uint8_t any_of) const { return (classes & any_of) != 0; }
  // [^\s\p{L}\p{N}]
  bool is_other() const { return size_bytes != 0 && !is(kSpace | kLetter | kNumber); }
  bool is_newline() const { return code_point == '\r' || code_point == '\n'; }
};

Character wide_character_at(const char* at) {
  Character character;
  character.code_point = decode_valid_utf8(at, character.size_bytes);
  character.classes = character_class(character.code_point);
  return character;
}

inline Character character_at(const char* at, const char* end) {
  if (at == end) return {};
  const unsigned char first = static_cast<unsigned char>(*at);
  if (first >= 0x80) return wide_character_at(at);
  return {first, 1, kCharacterClassValue[first]};  // ASCII is the first block
}

// Past all characters of the given classes.
const char* skip(const char* at, const char* end, uint8_t any_of) {
  for (Character next = character_at(at, end); next.is(any_of); next = character_at(at, end)) {
    at += next.size_bytes;
  }
  return at;
}

const char* skip_others(const char* at, const char* end) {
  for (Character next = character_at(at, end); next.is_other(); next = character_at(at, end)) {
    at += next.size_bytes;
  }
  return at;
}

const char* skip_newlines(const char* at, const char* end) {
  while (at != end && (*at == '\r' || *at == '\n')) ++at;
  return at;
}

// 's 't 're 've 'm 'll 'd after an apostrophe at `at`; null if it is none of them.
template <bool kIgnoreCase>
const char* match_contraction(const char* at, const char* end) {
  const auto letter = [end](const char* where) -> char {
    if (where >= end) return 0;
    return kIgnoreCase && *where >= 'A' && *where <= 'Z' ? static_cast<char>(*where + 32) : *where;
  };
  const char first = letter(at + 1);
  if (first == 's' || first == 't' || first == 'm' || first == 'd') return at + 2;
  const char second = letter(at + 2);
  if ((first == 'r' || first == 'v') && second == 'e') return at + 3;
  if (first == 'l' && second == 'l') return at + 3;
  // U+017F, the long s, is an s to a regular expression that ignores case.
  if (kIgnoreCase && end - at >= 3 && at[1] == '\xC5' && at[2] == '\xBF') return at + 3;
  return nullptr;
}

// \s+(?!\S)|\s+ on a run of whitespace that begins at `at`: the run up to its last character, which
// is left to the word that follows; all of it at the end of the text, or if it is one character.
const char* match_spaces(const char* at, const char* end) {
  const char* before_last = at;
  const char* next = at;
  for (Character c = character_at(next, end); c.is(kSpace); c = character_at(next, end)) {
    before_last = next;
    next += c.size_bytes;
  }
  return next == end || before_last == at ? next : before_last;
}

// \s*[\r\n]+ on a run of whitespace that begins at `at`: up to its last newline. Null without one.
const char* match_newlines(const char* at, const char* end) {
  const char* found = nullptr;
  for (Character c = character_at(at, end); c.is(kSpace); c = character_at(at, end)) {
    at += c.size_bytes;
    if (c.is_newline()) found = at;
  }
  return found;
}

// 's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
const char* match_gpt2(const char* at, const char* end) {
  const Character first = character_at(at, end);
  if (first.code_point == '\'') {
    if (const char* stop = match_contraction<false>(at, end)) return stop;
  }
  const char* word = first.code_point == ' ' ? at + 1 : at;
  const Character c = word == at ? first : character_at(word, end);
  if (c.is(kLetter)) return skip(word + c.size_bytes, end, kLetter);
  if (c.is(kNumber)) return skip(word + c.size_bytes, end, kNumber);
  if (c.is_other()) return skip_others(word + c.size_bytes, end);
  return match_spaces(at, end);
}

// (?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,kDigits}|
//  ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+
template <int kDigits>
const char* match_llama3(const char* at, const char* end) {
  const Character first = character_at(at, end);
  if (first.is(kLetter)) return skip(at + first.size_bytes, end, kLetter);
  if (first.is(kNumber)) {
    at += first.size_bytes;
    for (int count = 1; count < kDigits; ++count) {
      const Character next = character_at(at, end);
      if (!next.is(kNumber)) break;
      at += next.size_bytes;
    }
    return at;
  }
  if (first.code_point == '\'') {
    if (const char* stop = match_contraction<true>(at, end)) return stop;
  }
  const char* after = at + first.size_bytes;
  const Character second = character_at(after, end);
  if (second.is(kLetter) && !first.is_newline())
    return skip(after + second.size_bytes, end, kLetter);
  if (first.is_other()) return skip_newlines(skip_others(after, end), end);
  if (first.code_point == ' ' && second.is_other()) {
    return skip_newlines(skip_others(after + second.size_bytes, end), end);
  }
  if (const char* stop = match_newlines(at, end)) return stop;
  return match_spaces(at, end);
}

// Calls emit(begin, end) for each match, one after the other; `match` never fails.
template <typename Match, typename Emit>
void split_all(const char* at, const char* end, Match match, Emit emit) {
  while (at != end) {
    const char* stop = match(at, end);
    emit(at, stop);
    at = stop;
  }
}

// The `isolated` behaviour: matches and what lies between them are pieces. `match` gives null where
// there is none.
template <typename Match, typename Emit>
void split_isolated(const char* at, const char* end, Match match, Emit emit) {
  const char* gap = at;
  while (at != end) {
    const char* stop = match(at, end);
    if (stop == nullptr) {
      at += character_at(at, end).size_bytes;
      continue;
    }
    if (gap != at) emit(gap, at);
    emit(at, stop);
    at = gap = stop;
  }
  if (gap != end) emit(gap, end);
}

const char* match_digit(const char* at, const char* end) {
  const Character c = character_at(at, end);
  return c.is(kDigit) ? at + c.size_bytes : nullptr;
}

const char* match_newline(const char* at, const char*) {
  return *at == '\r' || *at == '\n' ? at + 1 : nullptr;
}

struct Range {
  char32_t first;
  char32_t last;
};

// Sorted, not touching.
template <size_t kCount>
bool is_in(const std::array<Range, kCount>& ranges, char32_t c) {
  const auto after =
      std::upper_bound(ranges.begin(), ranges.end(), c,
                       [](char32_t key, const Range& row) { return key < row.first; });
  return after != ranges.begin() && c <= std::prev(after)->last;
}

// \s?X+ where X is what `is_wanted` takes.
template <typename IsWanted>
const char* match_after_space(const char* at, const char* end, IsWanted is_wanted) {
  Character c = character_at(at, end);
  if (c.is(kSpace) && !is_wanted(c)) {
    at += c.size_bytes;
    c = character_at(at, end);
  }
  if (c.size_bytes == 0 || !is_wanted(c)) return nullptr;
  for (; c.size_bytes != 0 && is_wanted(c); c = character_at(at, end)) at += c.size_bytes;
  return at;
}

// [一-龥ࠀ-一가-퟿]+
const char* match_cjk(const char* at, const char* end) {
  constexpr std::array<Range, 2> kRanges = {{{0x800, 0x9FA5}, {0xAC00, 0xD7FF}}};
  const char* begin = at;
  for (Character c = character_at(at, end); c.size_bytes != 0 && is_in(kRanges, c.code_point);
       c = character_at(at, end)) {
    at += c.size_bytes;
  }
  return at == begin ? nullptr : at;
}

// The words of one text, as ends. `text` outlives it.
class Ends {
 public:
  Ends(std::string_view text, std::vector<size_t>& ends) : start_(text.data()), ends_(ends) {}
  void operator()(const char*, const char* end) const {
    ends_.push_back(static_cast<size_t>(end - start_));
  }

 private:
  const char* start_;
  std::vector<size_t>& ends_;
};

void split_gpt2(std::string_view text, std::vector<size_t>& ends) {
  split_all(text.data(), text.data() + text.size(), match_gpt2, Ends(text, ends));
}

void split_qwen2(std::string_view text, std::vector<size_t>& ends) {
  split_all(text.data(), text.data() + text.size(), match_llama3<1>, Ends(text, ends));
}

void split_llama3(std::string_view text, std::vector<size_t>& ends) {
  split_all(text.data(), text.data() + text.size(), match_llama3<3>, Ends(text, ends));
}

// Digits alone, then GPT-2's rule on what is between them.
void split_smollm(std::string_view text, std::vector<size_t>& ends) {
  const Ends emit(text, ends);
  split_isolated(text.data(), text.data() + text.size(), match_digit,
                 [&](const char* at, const char* end) { split_all(at, end, match_gpt2, emit); });
}

// Newlines, words, punctuation, Chinese, Japanese and Korean, digits: each cut out of the pieces
// that the one before leaves.
void split_deepseek_coder(std::string_view text, std::vector<size_t>& ends) {
  const auto is_letter = [](const Character& c) { return c.is(kLetter); };
  const auto is_punctuation = [](const Character& c) { return c.is(kPunctuation); };
  const Ends emit(text, ends);
  const auto digits = [&](const char* at, const char* end) {
    split_isolated(at, end, match_digit, emit);
  };
  const auto cjk = [&](const char* at, const char* end) {
    split_isolated(at, end, match_cjk, digits);
  };
  const auto punctuation = [&](const char* at, const char* end) {
    split_isolated(
        at, end,
        [&](const char* a, const char* b) { return match_after_space(a, b, is_punctuation); }, cjk);
  };
  const auto letters = [&](const char* at, const char* end) {
    split_isolated(
        at, end, [&](const char* a, const char* b) { return match_after_space(a, b, is_letter); },
        punctuation);
  };
  split_isolated(text.data(), text.data() + text.size(), match_newline, letters);
}

// The letters of cased scripts, as DeepSeek-LLM's tokenizer.json lists them.
constexpr std::array<Range, 84> kCasedLetters = {{
    {0x41, 0x5A},       {0x61, 0x7A},       {0xB5, 0xB5},       {0xC0, 0xD6},
    {0xD8, 0xF6},       {0xF8, 0x1BA},      {0x1BC, 0x1BF},     {0x1C4, 0x293},
    {0x295, 0x2AF},     {0x370, 0x373},     {0x376, 0x377},     {0x37B, 0x37D},
    {0x37F, 0x37F},     {0x386, 0x386},     {0x388, 0x38A},     {0x38C, 0x38C},
    {0x38E, 0x3A1},     {0x3A3, 0x3F5},     {0x3F7, 0x481},     {0x48A, 0x52F},
    {0x531, 0x556},     {0x10A0, 0x10C5},   {0x13A0, 0x13F5},   {0x13F8, 0x13FD},
    {0x1C90, 0x1CBA},   {0x1CBD, 0x1CBF},   {0x1D00, 0x1D2B},   {0x1D6B, 0x1D77},
    {0x1D79, 0x1D9A},   {0x1E00, 0x1F15},   {0x1F18, 0x1F1D},   {0x1F20, 0x1F45},
    {0x1F48, 0x1F4D},   {0x1F50, 0x1F57},   {0x1F59, 0x1F59},   {0x1F5B, 0x1F5B},
    {0x1F5D, 0x1F5D},   {0x1F5F, 0x1F7D},   {0x1F80, 0x1FB4},   {0x1FB6, 0x1FBC},
    {0x1FBE, 0x1FBE},   {0x1FC2, 0x1FC4},   {0x1FC6, 0x1FCC},   {0x1FD0, 0x1FD3},
    {0x1FD6, 0x1FDB},   {0x1FE0, 0x1FEC},   {0x1FF2, 0x1FF4},   {0x1FF6, 0x1FFC},
    {0x2102, 0x2102},   {0x2107, 0x2107},   {0x210A, 0x2113},   {0x2115, 0x2115},
    {0x2119, 0x211D},   {0x2124, 0x2124},   {0x2126, 0x2126},   {0x2128, 0x2128},
    {0x212A, 0x212D},   {0x212F, 0x2134},   {0x2139, 0x2139},   {0x213C, 0x213F},
    {0x2145, 0x2149},   {0x214E, 0x214E},   {0x2183, 0x2184},   {0x2C00, 0x2C7B},
    {0x2C7E, 0x2CE4},   {0x2CEB, 0x2CEE},   {0x2CF2, 0x2CF3},   {0xA640, 0xA66D},
    {0xA680, 0xA69B},   {0xA722, 0xA76F},   {0xA771, 0xA787},   {0xA78B, 0xA78E},
    {0xAB70, 0xABBF},   {0xFB00, 0xFB06},   {0xFB13, 0xFB17},   {0xFF21, 0xFF3A},
    {0xFF41, 0xFF5A},   {0x10400, 0x1044F}, {0x104B0, 0x104D3}, {0x104D8, 0x104FB},
    {0x10C80, 0x10CB2}, {0x10CC0, 0x10CF2}, {0x118A0, 0x118DF}, {0x1E900, 0x1E943},
}};

// [!-/:-~！-／：-～‘-‟　-。]: which holds a whitespace character, U+3000.
constexpr std::array<Range, 6> kWidePunctuation = {{{0x21, 0x2F},
                                                    {0x3A, 0x7E},
                                                    {0x2018, 0x201F},
                                                    {0x3000, 0x3002},
                                                    {0xFF01, 0xFF0F},
                                                    {0xFF1A, 0xFF5E}}};

// Newlines, words of cased scripts, punctuation, whitespace at the end, Chinese, Japanese and
// Korean, digits. A piece holds no newline beside others, so the end of a line is the end of a
// piece.
void split_deepseek_llm(std::string_view text, std::vector<size_t>& ends) {
  const auto is_letter = [](const Character& c) { return is_in(kCasedLetters, c.code_point); };
  const auto is_punctuation = [](const Character& c) {
    return is_in(kWidePunctuation, c.code_point);
  };
  const Ends emit(text, ends);
  const auto digits = [&](const char* at, const char* end) {
    split_isolated(at, end, match_digit, emit);
  };
  const auto cjk = [&](const char* at, const char* end) {
    split_isolated(at, end, match_cjk, digits);
  };
  const auto spaces_at_end = [&](const char* at, const char* end) {
    const char* begin = at;  // of the whitespace that the piece ends with
    for (const char* next = at; next != end;) {
      const Character c = character_at(next, end);
      next += c.size_bytes;
      if (!c.is(kSpace)) begin = next;
    }
    if (begin != at) cjk(at, begin);
    if (begin != end) cjk(begin, end);
  };
  const auto punctuation = [&](const char* at, const char* end) {
    split_isolated(
        at, end,
        [&](const char* a, const char* b) { return match_after_space(a, b, is_punctuation); },
        spaces_at_end);
  };
  const auto letters = [&](const char* at, const char* end) {
    split_isolated(
        at, end, [&](const char* a, const char* b) { return match_after_space(a, b, is_letter); },
        punctuation);
  };
  split_isolated(text.data(), text.data() + text.size(), match_newline, letters);
}

// Punctuation, then GPT-2's rule, then numbers, then digits by three: what llama.cpp does with a
// file that names `default` or nothing.
void split_default(std::string_view text, std::vector<size_t>& ends) {
  const Ends emit(text, ends);
  const auto three_digits = [&](const char* at, const char* end) {
    const auto is_ascii_digit = [](char c) { return c >= '0' && c <= '9'; };
    const auto match = [&](const char* a, const char* b) -> const char* {
      const bool found = b - a >= 3 && std::all_of(a, a + 3, is_ascii_digit);
      return found ? a + 3 : nullptr;
    };
    split_isolated(at, end, match, emit);
  };
  const auto numbers = [&](const char* at, const char* end) {
    const auto match = [](const char* a, const char* b) -> const char* {
      const char* stop = skip(a, b, kNumber);
      return stop == a ? nullptr : stop;
    };
    split_isolated(at, end, match, three_digits);
  };
  const auto words = [&](const char* at, const char* end) {
    split_all(at, end, match_gpt2, numbers);
  };
  const auto match_punctuation = [](const char* a, const char* b) -> const char* {
    constexpr std::string_view kSymbols = "$+<=>^~|";
    const char* begin = a;
    for (Character c = character_at(a, b);
         c.is(kPunctuation) || (c.size_bytes == 1 && kSymbols.find(*a) != std::string_view::npos);
         c = character_at(a, b)) {
      a += c.size_bytes;
    }
    return a == begin ? nullptr : a;
  };
  split_isolated(text.data(), text.data() + text.size(), match_punctuation, words);
}

// The stages as the families' published tokenizer.json files have them.
constexpr std::string_view kQwen2Stages =
    R"(Split (?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+
ByteLevel)";
constexpr std::string_view kLlama3Stages =
    R"(Split (?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+
ByteLevel)";
constexpr std::string_view kSmollmStages = "Digits\nByteLevel regex";
constexpr std::string_view kGpt2Stages = "ByteLevel regex";
constexpr std::string_view kDeepseekCoderStages =
    "Split [\r\n]\n"
    "Split \\s?\\p{L}+\n"
    "Split \\s?\\p{P}+\n"
    "Split [\u4E00-\u9FA5\u0800-\u4E00\uAC00-\uD7FF]+\n"
    "Digits\n"
    "ByteLevel";
constexpr std::string_view kDeepseekLlmStages =
    "Split [\r\n]\n"
    "Split \\s?[A-Za-z\u00B5\u00C0-\u00D6\u00D8-\u00F6\u00F8-\u01BA\u01BC-"
    "\u01BF\u01C4-\u0293\u0295-\u02AF\u0370-\u0373\u0376\u0377\u037B-"
    "\u037D\u037F\u0386\u0388-\u038A\u038C\u038E-\u03A1\u03A3-\u03F5"
    "\u03F7-\u0481\u048A-\u052F\u0531-\u0556\u10A0-\u10C5\u13A0-\u13F5"
    "\u13F8-\u13FD\u1C90-\u1CBA\u1CBD-\u1CBF\u1D00-\u1D2B\u1D6B-\u1D77"
    "\u1D79-\u1D9A\u1E00-\u1F15\u1F18-\u1F1D\u1F20-\u1F45\u1F48-\u1F4D"
    "\u1F50-\u1F57\u1F59\u1F5B\u1F5D\u1F5F-\u1F7D\u1F80-\u1FB4\u1FB6-"
    "\u1FBC\u1FBE\u1FC2-\u1FC4\u1FC6-\u1FCC\u1FD0-\u1FD3\u1FD6-\u1FDB"
    "\u1FE0-\u1FEC\u1FF2-\u1FF4\u1FF6-\u1FFC\u2102\u2107\u210A-\u2113"
    "\u2115\u2119-\u211D\u2124\u2126\u2128\u212A-\u212D\u212F-\u2134"
    "\u2139\u213C-\u213F\u2145-\u2149\u214E\u2183\u2184\u2C00-\u2C7B"
    "\u2C7E-\u2CE4\u2CEB-\u2CEE\u2CF2\u2CF3\uA640-\uA66D\uA680-\uA69B"
    "\uA722-\uA76F\uA771-\uA787\uA78B-\uA78E\uAB70-\uABBF\uFB00-\uFB06"
    "\uFB13-\uFB17\uFF21-\uFF3A\uFF41-\uFF5A\U00010400-\U0001044F"
    "\U000104B0-\U000104D3\U000104D8-\U000104FB\U00010C80-\U00010CB2"
    "\U00010CC0-\U00010CF2\U000118A0-\U000118DF\U0001E900-\U0001E943]+\n"
    "Split \\s?[!-/:-~\uFF01-\uFF0F\uFF1A-\uFF5E\u2018-\u201F\u3000-\u3002]+\n"
    "Split \\s+$\n"
    "Split [\u4E00-\u9FA5\u0800-\u4E00\uAC00-\uD7FF]+\n"
    "Digits\n"
    "ByteLevel";

constexpr PreTokenizer kPreTokenizers[] = {
    {.name = "qwen2", .split = split_qwen2, .json_stages = kQwen2Stages, .composes = true},
    {.name = "llama-bpe",
     .split = split_llama3,
     .json_stages = kLlama3Stages,
     .takes_whole_words = true,
     .adds_bos = true},
    {.name = "smollm", .split = split_smollm, .json_stages = kSmollmStages},
    {.name = "starcoder", .split = split_smollm, .json_stages = kSmollmStages},
    {.name = "deepseek-coder", .split = split_deepseek_coder, .json_stages = kDeepseekCoderStages},
    {.name = "deepseek-llm", .split = split_deepseek_llm, .json_stages = kDeepseekLlmStages},
    {.name = "gpt-2", .split = split_gpt2, .json_stages = kGpt2Stages},
    {.name = "default", .split = split_default, .json_stages = ""},
};

}  // namespace

const PreTokenizer* find_pretokenizer(std::string_view name) {
  for (const PreTokenizer& row : kPreTokenizers) {
    if (row.name == name) return &row;
  }
  return nullptr;
}

const PreTokenizer* find_pretokenizer_by_stages(std::string_view json_stages) {
  if (json_stages.empty()) return nullptr;
  for (const PreTokenizer& row : kPreTokenizers) {
    if (row.json_stages == json_stages) return &row;
  }
  return nullptr;
}

std::string pretokenizer_names() {
  std::string names;
  for (const PreTokenizer& row : kPreTokenizers) {
    if (!names.empty()) names += ", ";
    names += row.name;
  }
  return names;
}

}  // namespace sparrow
