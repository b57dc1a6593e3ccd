// SentencePiece's BPE (Llama 2, Mistral, CodeLlama): spaces become ▁, characters are joined pair by
// pair in the order of the pieces' scores, what has no piece falls back to bytes.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "text/merge_table.h"
#include "text/neighbours.h"
#include "text/piece_index.h"
#include "text/string_arena.h"
#include "text/vocabulary.h"
#include "text/word_cache.h"

namespace sparrow {

// Where the ▁ goes that makes a first word look like the others.
enum class SpacePrefix {
  never,
  first,  // before the text, unless it begins with an added token
  always  // before each piece of text between added tokens
};

// Loaded once, then only its memory of words changes; any thread.
class SentencePieceBpe {
 public:
  struct Rules {
    SpacePrefix prefix = SpacePrefix::always;
    bool doubles_prefix = true;        // also before a text that begins with a space
    bool marks_in_normalizer = true;   // else after the added tokens that want normalized text
    bool splits_words = false;         // nothing is joined across the beginning of a ▁
    bool fuses_unknown = true;         // neighbouring unknown characters are one token
    bool strips_leading_space = true;  // decoding undoes the prefix
  };

  // The order is that of SentencePiece: higher scores first, equal ones from the left.
  // `scores` has one finite number for each id.
  static SentencePieceBpe from_scores(const Vocabulary& vocabulary, std::span<const float> scores,
                                      Rules rules);
  // The order is that of the table, as in tokenizer.json.
  SentencePieceBpe(const Vocabulary& vocabulary, MergeTable merges, Rules rules);

  // The two halves of encoding a piece of text between added tokens, which is valid UTF-8;
  // `is_first` if the whole text begins with it. The second appends.
  std::string normalize(std::string_view text, bool is_first) const;
  void encode(std::string_view normalized, bool is_first, std::vector<TokenId>& ids) const;

  // What `id` stands for in running text.
  std::string_view bytes(TokenId id) const { return bytes_[static_cast<size_t>(id)]; }

  bool strips_leading_space() const { return rules_.strips_leading_space; }

 private:
  struct Symbols {
    StringArena text;  // first the vocabulary's pieces, then the single characters in them
    PieceIndex index;
  };
  SentencePieceBpe(const Vocabulary& vocabulary, Symbols symbols, MergeTable merges, Rules rules);
  static Symbols make_symbols(const Vocabulary& vocabulary);

  // Puts ▁ for the spaces and before the text.
  std::string mark(std::string_view text, bool is_first) const;
  void encode_marked(std::string_view text, std::vector<TokenId>& ids) const;
  size_t word_end(std::string_view text, size_t begin) const;
  void encode_word(std::string_view word, Merger& merger, std::vector<TokenId>& symbols) const;
  void append_unknown(std::string_view character, std::vector<TokenId>& ids) const;
  // The symbol of one character, -1 if no piece has it.
  TokenId symbol_of(std::string_view character, char32_t code_point) const;

  Rules rules_;
  TokenId vocabulary_size_;
  Symbols symbols_;
  MergeTable merges_;
  StringArena bytes_;
  std::optional<TokenId> unknown_;
  std::array<TokenId, 256> byte_tokens_;  // -1: none
  bool has_all_bytes_ = true;
  std::vector<TokenId> basic_symbols_;  // symbol_of() of U+0000 to U+FFFF
  Neighbours neighbours_;
  std::unique_ptr<WordCache> cache_;
};

}  // namespace sparrow
