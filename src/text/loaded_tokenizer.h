// The tokenizer that files are loaded into: added tokens, then one of the two kinds of BPE.
#pragma once

#include <variant>

#include "text/added_tokens.h"
#include "text/byte_level_bpe.h"
#include "text/prompt_text.h"
#include "text/sentencepiece_bpe.h"
#include "text/tokenizer.h"
#include "text/vocabulary.h"

namespace sparrow {

// Longest prompt that is taken, in bytes.
inline constexpr size_t kMaxPromptBytes = size_t{1} << 30;

using BpeModel = std::variant<ByteLevelBpe, SentencePieceBpe>;

// Loaded once, immutable; any thread.
class LoadedTokenizer final : public Tokenizer {
 public:
  // `added` are found in the text as it is; `normalized` after the model's normalizer, their
  // contents normalized too.
  LoadedTokenizer(Vocabulary vocabulary, BpeModel model, std::vector<AddedToken> added,
                  std::vector<AddedToken> normalized);

  using Tokenizer::encode;
  std::vector<TokenId> encode(std::span<const Segment> segments) const override;
  std::vector<TokenId> prefix() const override;
  std::vector<TokenId> suffix() const override;
  std::string token_bytes(TokenId id, bool with_control) const override;
  std::string_view piece(TokenId id) const override;
  TokenType type(TokenId id) const override;
  int64_t vocabulary_size() const override { return vocabulary_.size(); }
  std::optional<TokenId> find(std::string_view piece) const override {
    return vocabulary_.find(piece);
  }
  std::optional<TokenId> bos() const override { return vocabulary_.bos; }
  std::optional<TokenId> eos() const override { return vocabulary_.eos; }
  bool adds_bos() const override { return vocabulary_.adds_bos; }
  bool strips_leading_space() const override;
  std::span<const TokenId> end_of_generation() const override {
    return vocabulary_.end_of_generation();
  }

 private:
  void encode_fragment(const PromptText& prompt, size_t begin, size_t end,
                       std::vector<TokenId>& ids) const;
  void check(TokenId id) const;

  Vocabulary vocabulary_;
  BpeModel model_;
  AddedTokens added_;
  AddedTokens normalized_;
};

}  // namespace sparrow
