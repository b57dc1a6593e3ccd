#include "text/sentencepiece_bpe.h"

#include <algorithm>
#include <functional>

#include "base/utf8.h"
#include "text/byte_piece.h"

namespace sparrow {
namespace {

constexpr std::string_view kMark = "\u2581";  // ▁

// So many words are looked up at once.
constexpr size_t kWordsAhead = 16;

// Pieces that text can become.
bool is_text(const Vocabulary& vocabulary, TokenId id) {
  return vocabulary.type(id) == TokenType::normal && !vocabulary.piece(id).empty();
}

// Spaces for each ▁.
std::string with_spaces(std::string_view piece) {
  std::string text;
  for (size_t at = 0; at < piece.size();) {
    const bool is_mark = piece.substr(at, kMark.size()) == kMark;
    text += is_mark ? ' ' : piece[at];
    at += is_mark ? kMark.size() : 1;
  }
  return text;
}

// The pieces that text can become, the highest score first.
std::vector<TokenId> by_score(const Vocabulary& vocabulary, std::span<const float> scores) {
  std::vector<TokenId> ids;
  for (TokenId id = 0; id < vocabulary.size(); ++id) {
    if (is_text(vocabulary, id)) ids.push_back(id);
  }
  std::stable_sort(ids.begin(), ids.end(), [&](TokenId a, TokenId b) {
    return scores[static_cast<size_t>(a)] > scores[static_cast<size_t>(b)];
  });
  return ids;
}

size_t count_characters(std::string_view piece) {
  return static_cast<size_t>(std::count_if(piece.begin(), piece.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  }));
}

}  // namespace

SentencePieceBpe::Symbols SentencePieceBpe::make_symbols(const Vocabulary& vocabulary) {
  size_t character_count = 0;
  for (TokenId id = 0; id < vocabulary.size(); ++id) {
    if (is_text(vocabulary, id)) character_count += count_characters(vocabulary.piece(id));
  }
  const size_t most = static_cast<size_t>(vocabulary.size()) + character_count;
  Symbols symbols = {{}, PieceIndex(most)};
  for (TokenId id = 0; id < vocabulary.size(); ++id) {
    symbols.text.push(vocabulary.piece(id));
    if (is_text(vocabulary, id)) symbols.index.insert(symbols.text, id);
  }
  // A character may have no piece of its own and yet be part of others.
  for (TokenId id = 0; id < vocabulary.size(); ++id) {
    if (!is_text(vocabulary, id)) continue;
    const std::string_view piece = vocabulary.piece(id);
    for (size_t at = 0; at < piece.size();) {
      uint32_t size_bytes = 0;
      decode_valid_utf8(piece.data() + at, size_bytes);
      const std::string_view character = piece.substr(at, size_bytes);
      if (symbols.index.find(symbols.text, character) < 0) {
        symbols.text.push(character);
        symbols.index.insert(symbols.text, static_cast<int32_t>(symbols.text.size() - 1));
      }
      at += size_bytes;
    }
  }
  return symbols;
}

SentencePieceBpe SentencePieceBpe::from_scores(const Vocabulary& vocabulary,
                                               std::span<const float> scores, Rules rules) {
  Symbols symbols = make_symbols(vocabulary);
  const std::vector<TokenId> ids = by_score(vocabulary, scores);
  size_t pair_count = 0;
  for (const TokenId id : ids) pair_count += count_characters(vocabulary.piece(id)) - 1;
  MergeTable merges(pair_count);
  float last_score = 0;
  for (const TokenId id : ids) {
    const std::string_view piece = vocabulary.piece(id);
    const float score = scores[static_cast<size_t>(id)];
    const int32_t merge = merges.add_merge(id, id != ids[0] && score == last_score);
    last_score = score;
    uint32_t size_bytes = 0;
    for (size_t at = 0; at < piece.size(); at += size_bytes) {
      decode_valid_utf8(piece.data() + at, size_bytes);
      if (at == 0) continue;
      const TokenId left = symbols.index.find(symbols.text, piece.substr(0, at));
      if (left < 0) continue;
      const TokenId right = symbols.index.find(symbols.text, piece.substr(at));
      if (right >= 0) merges.add_pair(left, right, merge);
    }
  }
  return SentencePieceBpe(vocabulary, std::move(symbols), std::move(merges), rules);
}

SentencePieceBpe::SentencePieceBpe(const Vocabulary& vocabulary, MergeTable merges, Rules rules)
    : SentencePieceBpe(vocabulary, make_symbols(vocabulary), std::move(merges), rules) {}

SentencePieceBpe::SentencePieceBpe(const Vocabulary& vocabulary, Symbols symbols, MergeTable merges,
                                   Rules rules)
    : rules_(rules),
      vocabulary_size_(static_cast<TokenId>(vocabulary.size())),
      symbols_(std::move(symbols)),
      merges_(std::move(merges)),
      unknown_(vocabulary.unknown),
      cache_(std::make_unique<WordCache>(vocabulary.size())) {
  byte_tokens_.fill(-1);
  for (TokenId id = 0; id < vocabulary.size(); ++id) {
    std::string bytes(vocabulary.piece(id));
    if (vocabulary.type(id) == TokenType::byte) {
      const int byte = byte_of_piece(bytes);
      byte_tokens_[static_cast<size_t>(byte)] = id;
      bytes.assign(1, static_cast<char>(byte));
    } else if (!bytes.empty()) {
      neighbours_.add_piece(bytes);
      if (is_text(vocabulary, id)) bytes = with_spaces(bytes);
    }
    bytes_.push(bytes);
  }
  for (const TokenId id : byte_tokens_) has_all_bytes_ = has_all_bytes_ && id >= 0;
  basic_symbols_.resize(0x10000, -1);
  for (size_t symbol = 0; symbol < symbols_.text.size(); ++symbol) {
    const std::string_view text = symbols_.text[symbol];
    const bool is_word = symbol >= static_cast<size_t>(vocabulary_size_) ||
                         is_text(vocabulary, static_cast<TokenId>(symbol));
    if (!is_word) continue;
    uint32_t size_bytes = 0;
    const char32_t c = decode_valid_utf8(text.data(), size_bytes);
    if (size_bytes == text.size() && c < basic_symbols_.size()) {
      basic_symbols_[c] = static_cast<TokenId>(symbol);
    }
  }
}

TokenId SentencePieceBpe::symbol_of(std::string_view character, char32_t code_point) const {
  if (code_point < basic_symbols_.size()) return basic_symbols_[code_point];
  return symbols_.index.find(symbols_.text, character);
}

std::string SentencePieceBpe::mark(std::string_view text, bool is_first) const {
  std::string marked;
  if (text.empty()) return marked;
  marked.reserve(text.size() + text.size() / 2);
  const bool is_wanted =
      rules_.prefix == SpacePrefix::always || (rules_.prefix == SpacePrefix::first && is_first);
  const bool has_one = text.front() == ' ' || text.starts_with(kMark);
  if (is_wanted && (rules_.doubles_prefix || !has_one)) marked += kMark;
  for (size_t begin = 0; true;) {
    const size_t space = text.find(' ', begin);
    marked += text.substr(begin, space - begin);
    if (space == std::string_view::npos) return marked;
    marked += kMark;
    begin = space + 1;
  }
}

std::string SentencePieceBpe::normalize(std::string_view text, bool is_first) const {
  return rules_.marks_in_normalizer ? mark(text, is_first) : std::string(text);
}

void SentencePieceBpe::encode(std::string_view normalized, bool is_first,
                              std::vector<TokenId>& ids) const {
  if (rules_.marks_in_normalizer) {
    encode_marked(normalized, ids);
  } else {
    encode_marked(mark(normalized, is_first), ids);
  }
}

// The text falls into words where two characters meet that are neighbours in no piece. To join the
// words apart from each other gives what joining the whole text gives, and can be remembered.
size_t SentencePieceBpe::word_end(std::string_view text, size_t begin) const {
  uint32_t last_size = 0;
  uint32_t size_bytes = 0;
  for (size_t at = begin; at < text.size(); at += size_bytes) {
    last_size = size_bytes;
    decode_valid_utf8(text.data() + at, size_bytes);
    if (at == begin) continue;
    if (!neighbours_.may_join(text.data() + at, last_size, size_bytes)) return at;
    if (rules_.splits_words && text.substr(at, kMark.size()) == kMark) return at;
  }
  return text.size();
}

void SentencePieceBpe::encode_marked(std::string_view text, std::vector<TokenId>& ids) const {
  struct Word {
    std::string_view text;
    WordCache::Probe probe;
  };
  Merger merger(merges_);
  std::vector<TokenId> symbols;
  std::array<Word, kWordsAhead> words;
  const size_t first = ids.size();
  for (size_t begin = 0; begin < text.size();) {
    size_t count = 0;
    for (; count < kWordsAhead && begin < text.size(); ++count) {
      const size_t end = word_end(text, begin);
      const std::string_view word = text.substr(begin, end - begin);
      words[count] = {word, cache_->look_at(word, false)};
      begin = end;
    }
    for (size_t i = 0; i < count; ++i) {
      const size_t joint = ids.size();
      if (!cache_->find(words[i].probe, ids)) {
        encode_word(words[i].text, merger, symbols);
        cache_->keep(words[i].probe, symbols);
        ids.insert(ids.end(), symbols.begin(), symbols.end());
      }
      const bool is_fused = rules_.fuses_unknown && unknown_ && joint > first &&
                            joint < ids.size() && ids[joint] == *unknown_ &&
                            ids[joint - 1] == *unknown_;
      if (is_fused) ids.erase(ids.begin() + static_cast<std::ptrdiff_t>(joint));
    }
  }
}

void SentencePieceBpe::encode_word(std::string_view word, Merger& merger,
                                   std::vector<TokenId>& symbols) const {
  symbols.clear();
  uint32_t size_bytes = 0;
  for (size_t at = 0; at < word.size(); at += size_bytes) {
    const char32_t c = decode_valid_utf8(word.data() + at, size_bytes);
    const std::string_view character = word.substr(at, size_bytes);
    const TokenId symbol = symbol_of(character, c);
    if (symbol >= 0) {
      symbols.push_back(symbol);
    } else {
      append_unknown(character, symbols);
    }
  }
  merger.merge(symbols);
  const auto is_piece = [this](TokenId symbol) { return symbol < vocabulary_size_; };
  if (std::all_of(symbols.begin(), symbols.end(), is_piece)) return;
  // Characters that are only parts of pieces, and joined to none.
  std::vector<TokenId> pieces;
  for (const TokenId symbol : symbols) {
    if (is_piece(symbol)) {
      pieces.push_back(symbol);
    } else {
      append_unknown(symbols_.text[static_cast<size_t>(symbol)], pieces);
    }
  }
  symbols = std::move(pieces);
}

void SentencePieceBpe::append_unknown(std::string_view character, std::vector<TokenId>& ids) const {
  if (has_all_bytes_) {
    for (const char c : character) ids.push_back(byte_tokens_[static_cast<unsigned char>(c)]);
  } else if (unknown_ && !(rules_.fuses_unknown && !ids.empty() && ids.back() == *unknown_)) {
    ids.push_back(*unknown_);
  }
}

}  // namespace sparrow
