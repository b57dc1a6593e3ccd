// The pieces of a tokenizer, their kinds and the ids that mean something.
#pragma once

#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "text/piece_index.h"
#include "text/string_arena.h"
#include "text/tokenizer.h"

namespace sparrow {

// Most pieces a vocabulary may have (Gemma, the largest in use, has 262,144).
inline constexpr int64_t kMaxVocabularySize = int64_t{1} << 20;

// Filled while it is loaded, then immutable; any thread may read.
class Vocabulary {
 public:
  explicit Vocabulary(int64_t size);  // the number of pieces that will be added

  // The piece of the next id. Unused pieces cannot be found. Returns the id that has the same
  // piece already, if one has; then nothing is added.
  std::optional<TokenId> add(std::string_view piece, TokenType type);

  int64_t size() const { return static_cast<int64_t>(types_.size()); }
  bool has(TokenId id) const { return id >= 0 && id < size(); }
  std::string_view piece(TokenId id) const { return pieces_[static_cast<size_t>(id)]; }
  TokenType type(TokenId id) const { return types_[static_cast<size_t>(id)]; }
  // Control tokens and the unknown one: in text only where the template wrote them.
  bool is_control(TokenId id) const {
    return type(id) == TokenType::control || type(id) == TokenType::unknown;
  }

  std::optional<TokenId> find(std::string_view piece) const;

  // The ids that end an answer: `declared`, and the control tokens that models are known to end
  // with. Sorted, each once.
  void set_end_of_generation(std::span<const TokenId> declared);
  std::span<const TokenId> end_of_generation() const { return end_of_generation_; }

  std::optional<TokenId> bos;
  std::optional<TokenId> eos;
  std::optional<TokenId> unknown;
  bool adds_bos = false;
  bool adds_eos = false;

 private:
  StringArena pieces_;
  PieceIndex index_;
  std::vector<TokenType> types_;
  std::vector<TokenId> end_of_generation_;
};

}  // namespace sparrow
