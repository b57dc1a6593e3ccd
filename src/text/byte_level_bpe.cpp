#include "text/byte_level_bpe.h"

#include "text/byte_level.h"
#include "text/nfc.h"
#include "text/word_cache.h"

namespace sparrow {

ByteLevelBpe::ByteLevelBpe(const Vocabulary& vocabulary, MergeTable merges, Rules rules)
    : rules_(rules),
      merges_(std::move(merges)),
      words_(rules.takes_whole_words ? static_cast<size_t>(vocabulary.size()) : 0) {
  bytes_.reserve(static_cast<size_t>(vocabulary.size()),
                 static_cast<size_t>(vocabulary.size()) * 8);
  for (TokenId id = 0; id < vocabulary.size(); ++id) {
    const std::string_view piece = vocabulary.piece(id);
    const bool is_spelled = vocabulary.type(id) == TokenType::normal;
    const std::optional<std::string> bytes = is_spelled ? bytes_of_spelling(piece) : std::nullopt;
    bytes_.push(bytes ? std::string_view(*bytes) : piece);
    if (bytes && rules.takes_whole_words) words_.insert(bytes_, id);
  }
  const std::array<std::string, 256> spelling = byte_level_spelling();
  for (size_t byte = 0; byte < 256; ++byte) {
    const std::optional<TokenId> id = vocabulary.find(spelling[byte]);
    byte_tokens_[byte] = id && vocabulary.type(*id) == TokenType::normal ? *id : -1;
  }
}

std::string ByteLevelBpe::normalize(std::string_view text, bool) const {
  return rules_.composes && !is_nfc_stable(text) ? to_nfc(text) : std::string(text);
}

void ByteLevelBpe::encode(std::string_view text, bool, std::vector<TokenId>& ids) const {
  std::vector<size_t> ends;
  rules_.pretokenizer->split(text, ends);
  WordCache cache(text.size());
  Merger merger(merges_);
  std::vector<TokenId> symbols;
  size_t begin = 0;
  for (const size_t end : ends) {
    const std::string_view word = text.substr(begin, end - begin);
    begin = end;
    if (cache.find(word, ids)) continue;
    encode_word(word, merger, symbols);
    cache.keep(word, symbols);
    ids.insert(ids.end(), symbols.begin(), symbols.end());
  }
}

void ByteLevelBpe::encode_word(std::string_view word, Merger& merger,
                               std::vector<TokenId>& symbols) const {
  symbols.clear();
  if (rules_.takes_whole_words) {
    const TokenId id = words_.find(bytes_, word);
    if (id >= 0) {
      symbols.push_back(id);
      return;
    }
  }
  bool was_unknown = false;
  for (const char c : word) {
    const TokenId id = byte_tokens_[static_cast<unsigned char>(c)];
    if (id >= 0) {
      symbols.push_back(id);
    } else if (rules_.unknown && !(was_unknown && rules_.fuses_unknown)) {
      symbols.push_back(*rules_.unknown);
    }
    was_unknown = id < 0;
  }
  merger.merge(symbols);
}

}  // namespace sparrow
