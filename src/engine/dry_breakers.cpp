#include "engine/dry_breakers.h"

#include <algorithm>

namespace sparrow {
namespace {

// The ids of the rest of a breaker as they stand inside a word: SentencePiece would put a space
// before it.
std::vector<TokenId> encode_inside(const Tokenizer& tokenizer, std::string_view text) {
  std::vector<TokenId> ids = tokenizer.encode(text);
  if (ids.empty() || !tokenizer.strips_leading_space() || text.starts_with(' ')) return ids;
  const std::string first = tokenizer.token_bytes(ids.front());
  if (!first.starts_with(' ')) return ids;
  if (first == " ") {
    ids.erase(ids.begin());
  } else if (const std::optional<TokenId> plain = tokenizer.find(first.substr(1))) {
    ids.front() = *plain;
  }
  return ids;
}

// The end of a breaker, from a character's first byte on: what must follow a token that ends with
// the beginning.
struct Tail {
  std::string beginning;
  std::vector<TokenId> ids;
};

std::vector<Tail> tails_of(const Tokenizer& tokenizer, const std::string& breaker) {
  std::vector<Tail> tails;
  for (size_t i = 1; i < breaker.size(); ++i) {
    const bool is_inside_character = (static_cast<unsigned char>(breaker[i]) & 0xc0) == 0x80;
    if (is_inside_character) continue;
    tails.push_back(
        {breaker.substr(0, i), encode_inside(tokenizer, std::string_view(breaker).substr(i))});
  }
  return tails;
}

}  // namespace

DryBreakers resolve_dry_breakers(const Tokenizer& tokenizer,
                                 std::span<const std::string> breakers) {
  DryBreakers resolved;
  std::vector<Tail> tails;
  for (const std::string& breaker : breakers) {
    for (Tail& tail : tails_of(tokenizer, breaker)) tails.push_back(std::move(tail));
    // Also as it is written by itself: perhaps in the bytes of a character that is no token.
    std::vector<TokenId> whole = encode_inside(tokenizer, breaker);
    if (whole.size() > 1) resolved.sequences.push_back(std::move(whole));
  }
  for (TokenId id = 0; id < tokenizer.vocabulary_size(); ++id) {
    const std::string bytes = tokenizer.token_bytes(id);
    if (bytes.empty()) continue;
    const bool is_breaker = std::any_of(
        breakers.begin(), breakers.end(),
        [&](const std::string& breaker) { return bytes.find(breaker) != std::string::npos; });
    if (is_breaker) {
      resolved.tokens.push_back(id);
      continue;
    }
    for (const Tail& tail : tails) {
      if (tail.ids.empty() || !bytes.ends_with(tail.beginning)) continue;
      std::vector<TokenId> sequence = {id};
      sequence.insert(sequence.end(), tail.ids.begin(), tail.ids.end());
      resolved.sequences.push_back(std::move(sequence));
    }
  }
  std::sort(resolved.sequences.begin(), resolved.sequences.end());
  return resolved;
}

}  // namespace sparrow
