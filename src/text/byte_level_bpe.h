// Byte-level BPE (GPT-2, Qwen, Llama 3, DeepSeek, StarCoder, SmolLM2): text is cut into words, the
// bytes of each word are joined pair by pair.
#pragma once

#include <array>
#include <memory>
#include <string_view>
#include <vector>

#include "text/merge_table.h"
#include "text/neighbours.h"
#include "text/piece_index.h"
#include "text/pretokenizer.h"
#include "text/string_arena.h"
#include "text/vocabulary.h"
#include "text/word_cache.h"

namespace sparrow {

// Loaded once, then only its memory of words changes; any thread.
class ByteLevelBpe {
 public:
  struct Rules {
    const PreTokenizer* pretokenizer = nullptr;
    bool composes = false;           // NFC first
    bool takes_whole_words = false;  // a word that is in the vocabulary is taken without merging
    // Stands for a byte that has no token. Without one such bytes are left out, as the reference
    // does.
    std::optional<TokenId> unknown;
    bool fuses_unknown = false;  // neighbouring unknown bytes are one token
  };

  ByteLevelBpe(const Vocabulary& vocabulary, MergeTable merges, Rules rules);

  // The two halves of encoding a piece of text between added tokens, which is valid UTF-8. The
  // second appends; the place of the piece in the text does not matter.
  std::string normalize(std::string_view text, bool is_first) const;
  void encode(std::string_view normalized, bool is_first, std::vector<TokenId>& ids) const;

  // What `id` stands for, if its piece spells bytes; else the piece itself.
  std::string_view bytes(TokenId id) const { return bytes_[static_cast<size_t>(id)]; }

 private:
  // What one call needs from word to word.
  struct Work {
    Merger merger;
    std::vector<TokenId> word;
    std::vector<TokenId> part;
  };

  void encode_word(std::string_view word, Work& work) const;  // into work.word
  void merge_part(std::string_view part, Merger& merger, std::vector<TokenId>& symbols) const;
  size_t part_end(std::string_view word, size_t begin) const;

  Rules rules_;
  MergeTable merges_;
  StringArena bytes_;
  PieceIndex words_;  // normal tokens by their bytes
  Neighbours neighbours_;
  std::array<TokenId, 256> byte_tokens_;  // -1: none
  std::unique_ptr<WordCache> cache_;
};

}  // namespace sparrow
