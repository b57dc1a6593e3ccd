#include "text/sentencepiece_bpe.h"

#include <algorithm>
#include <functional>

#include "base/utf8.h"
#include "text/byte_piece.h"
#include "text/word_cache.h"

namespace sparrow {
namespace {

constexpr std::string_view kMark = "\u2581";  // ▁

// Pieces that text can become.
bool is_text(const Vocabulary& vocabulary, TokenId id) {
  return vocabulary.type(id) == TokenType::normal && !vocabulary.piece(id).empty();
}

// A ▁ after something else than ▁.
bool has_inner_mark(std::string_view piece) {
  for (size_t at = piece.find(kMark, 1); at != std::string_view::npos;
       at = piece.find(kMark, at + 1)) {
    if (at < kMark.size() || piece.substr(at - kMark.size(), kMark.size()) != kMark) return true;
  }
  return false;
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
      unknown_(vocabulary.unknown) {
  bool has_inner = false;
  byte_tokens_.fill(-1);
  for (TokenId id = 0; id < vocabulary.size(); ++id) {
    std::string bytes(vocabulary.piece(id));
    if (vocabulary.type(id) == TokenType::byte) {
      const int byte = byte_of_piece(bytes);
      byte_tokens_[static_cast<size_t>(byte)] = id;
      bytes.assign(1, static_cast<char>(byte));
    } else if (is_text(vocabulary, id)) {
      has_inner = has_inner || has_inner_mark(bytes);
      bytes = with_spaces(vocabulary.piece(id));
    }
    bytes_.push(bytes);
  }
  for (const TokenId id : byte_tokens_) has_all_bytes_ = has_all_bytes_ && id >= 0;
  for (size_t c = 0; c < ascii_.size(); ++c) {
    const char text = static_cast<char>(c);
    ascii_[c] = symbols_.index.find(symbols_.text, std::string_view(&text, 1));
  }
  cuts_at_spaces_ = !has_inner && symbols_.index.find(symbols_.text, kMark) >= 0;
}

std::string SentencePieceBpe::mark(std::string_view text, bool is_first) const {
  std::string marked;
  if (text.empty()) return marked;
  marked.reserve(text.size() + text.size() / 2);
  const bool is_wanted =
      rules_.prefix == SpacePrefix::always || (rules_.prefix == SpacePrefix::first && is_first);
  const bool has_one = text.front() == ' ' || text.starts_with(kMark);
  if (is_wanted && (rules_.doubles_prefix || !has_one)) marked += kMark;
  for (const char c : text) {
    if (c == ' ') {
      marked += kMark;
    } else {
      marked += c;
    }
  }
  return marked;
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

// Words can be joined apart from each other where no piece reaches over their border: the result is
// that of the whole text.
size_t SentencePieceBpe::word_end(std::string_view text, size_t begin) const {
  if (!rules_.splits_words && !cuts_at_spaces_) return text.size();
  size_t at = begin;
  if (rules_.splits_words) {
    at += 1;
  } else {
    while (text.substr(at, kMark.size()) == kMark) at += kMark.size();
  }
  return std::min(text.find(kMark, at), text.size());
}

void SentencePieceBpe::encode_marked(std::string_view text, std::vector<TokenId>& ids) const {
  WordCache cache(text.size());
  Merger merger(merges_);
  std::vector<TokenId> symbols;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = word_end(text, begin);
    const std::string_view word = text.substr(begin, end - begin);
    begin = end;
    if (cache.find(word, ids)) continue;
    encode_word(word, merger, symbols);
    cache.keep(word, symbols);
    ids.insert(ids.end(), symbols.begin(), symbols.end());
  }
}

void SentencePieceBpe::encode_word(std::string_view word, Merger& merger,
                                   std::vector<TokenId>& symbols) const {
  symbols.clear();
  uint32_t size_bytes = 0;
  for (size_t at = 0; at < word.size(); at += size_bytes) {
    const char32_t c = decode_valid_utf8(word.data() + at, size_bytes);
    const std::string_view character = word.substr(at, size_bytes);
    const TokenId symbol =
        c < ascii_.size() ? ascii_[c] : symbols_.index.find(symbols_.text, character);
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
