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

}  // namespace

DryBreakers resolve_dry_breakers(const Tokenizer& tokenizer,
                                 std::span<const std::string> breakers) {
  DryBreakers resolved;
  // tails[i][j]: the ids of breaker i without its first j + 1 bytes.
  std::vector<std::vector<std::vector<TokenId>>> tails;
  for (const std::string& breaker : breakers) {
    tails.emplace_back();
    for (size_t i = 1; i < breaker.size(); ++i)
      tails.back().push_back(encode_inside(tokenizer, std::string_view(breaker).substr(i)));
  }
  for (TokenId id = 0; id < tokenizer.vocabulary_size(); ++id) {
    const std::string bytes = tokenizer.token_bytes(id);
    if (bytes.empty()) continue;
    bool is_breaker = false;
    for (const std::string& breaker : breakers)
      is_breaker = is_breaker || bytes.find(breaker) != std::string::npos;
    if (is_breaker) {
      resolved.tokens.push_back(id);
      continue;
    }
    for (size_t i = 0; i < breakers.size(); ++i) {
      for (size_t j = 0; j < tails[i].size(); ++j) {
        if (tails[i][j].empty() || !bytes.ends_with(breakers[i].substr(0, j + 1))) continue;
        std::vector<TokenId> sequence = {id};
        sequence.insert(sequence.end(), tails[i][j].begin(), tails[i][j].end());
        resolved.sequences.push_back(std::move(sequence));
      }
    }
  }
  return resolved;  // sorted, because the ids came in order
}

}  // namespace sparrow
