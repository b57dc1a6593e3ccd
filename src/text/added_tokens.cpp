#include "text/added_tokens.h"

#include <algorithm>

#include "base/utf8.h"
#include "text/character_classes.h"

namespace sparrow {
namespace {

// Where the character before `at` begins; `at` is not 0 and the text valid.
size_t character_before(std::string_view text, size_t at) {
  do {
    --at;
  } while ((static_cast<unsigned char>(text[at]) & 0xC0) == 0x80);
  return at;
}

uint8_t classes_at(std::string_view text, size_t at, uint32_t& size_bytes) {
  return character_class(decode_valid_utf8(text.data() + at, size_bytes));
}

bool has_word_beside(std::string_view text, size_t begin, size_t end) {
  uint32_t size_bytes = 0;
  if (begin > 0 && classes_at(text, character_before(text, begin), size_bytes) & kWord) return true;
  return end < text.size() && classes_at(text, end, size_bytes) & kWord;
}

}  // namespace

AddedTokens::AddedTokens(std::vector<AddedToken> tokens) : tokens_(std::move(tokens)) {
  std::sort(tokens_.begin(), tokens_.end(),
            [](const AddedToken& a, const AddedToken& b) { return a.content < b.content; });
  for (const AddedToken& token : tokens_) {
    const size_t byte = static_cast<unsigned char>(token.content[0]);
    begins_one_[byte] = true;
    ++first_[byte + 1];
  }
  for (size_t byte = 0; byte < 256; ++byte) first_[byte + 1] += first_[byte];
}

// The tokens that share the bytes read so far are a stretch of the sorted list; one that ends here
// is its first.
const AddedToken* AddedTokens::longest_at(std::string_view text, size_t at,
                                          const IsFromTemplate& is_from_template) const {
  const size_t byte = static_cast<unsigned char>(text[at]);
  auto low = tokens_.begin() + static_cast<std::ptrdiff_t>(first_[byte]);
  auto high = tokens_.begin() + static_cast<std::ptrdiff_t>(first_[byte + 1]);
  const AddedToken* found = nullptr;
  for (size_t depth = 1; low != high; ++depth) {
    if (low->content.size() == depth) {
      if (!low->is_control || is_from_template(at, at + depth)) found = &*low;
      ++low;
    }
    if (at + depth == text.size()) break;
    const unsigned char wanted = static_cast<unsigned char>(text[at + depth]);
    const auto byte_of = [depth](const AddedToken& token) {
      return static_cast<unsigned char>(token.content[depth]);
    };
    low = std::partition_point(low, high,
                               [&](const AddedToken& token) { return byte_of(token) < wanted; });
    high = std::partition_point(low, high,
                                [&](const AddedToken& token) { return byte_of(token) == wanted; });
  }
  return found;
}

std::vector<AddedTokens::Match> AddedTokens::find_all(
    std::string_view text, const IsFromTemplate& is_from_template) const {
  std::vector<Match> matches;
  size_t floor = 0;  // the end of the last match
  for (size_t at = 0; at < text.size();) {
    if (!begins_one_[static_cast<unsigned char>(text[at])]) {
      ++at;
      continue;
    }
    const AddedToken* token = longest_at(text, at, is_from_template);
    if (token == nullptr) {
      ++at;
      continue;
    }
    Match match = {at, at + token->content.size(), token->id};
    at = match.end;
    if (token->is_single_word && has_word_beside(text, match.begin, match.end)) continue;
    uint32_t size_bytes = 0;
    if (token->strips_left) {
      while (match.begin > floor) {
        const size_t before = character_before(text, match.begin);
        if (!(classes_at(text, before, size_bytes) & kSpace)) break;
        match.begin = before;
      }
    }
    if (token->strips_right) {
      match.end = std::max(match.end, floor);  // what was swallowed is not looked at again
      while (match.end < text.size() && classes_at(text, match.end, size_bytes) & kSpace) {
        match.end += size_bytes;
      }
    }
    matches.push_back(match);
    // The search goes on behind the content, as the reference's does: a token may be found in the
    // whitespace that the one before has swallowed.
    floor = match.end;
  }
  return matches;
}

}  // namespace sparrow
