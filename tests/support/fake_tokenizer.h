// A tokenizer whose vocabulary a test writes down: the bytes of each token.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "text/tokenizer.h"

namespace sparrow::test_support {

// encode() takes the longest token that fits at each place, and skips a byte that none has.
class FakeTokenizer final : public Tokenizer {
 public:
  // `ends`, `unused` and `controls` are ids; the ends are control tokens too.
  explicit FakeTokenizer(std::vector<std::string> tokens, std::vector<TokenId> ends = {},
                         std::vector<TokenId> unused = {}, std::vector<TokenId> controls = {})
      : tokens_(std::move(tokens)), ends_(std::move(ends)), types_(tokens_.size()) {
    for (TokenType& type : types_) type = TokenType::normal;
    for (const TokenId id : ends_) types_[static_cast<size_t>(id)] = TokenType::control;
    for (const TokenId id : controls) types_[static_cast<size_t>(id)] = TokenType::control;
    for (const TokenId id : unused) types_[static_cast<size_t>(id)] = TokenType::unused;
  }

  using Tokenizer::encode;
  std::vector<TokenId> encode(std::span<const Segment> segments) const override {
    std::string text;
    for (const Segment& segment : segments) text += segment.text;
    std::vector<TokenId> ids;
    for (size_t at = 0; at < text.size();) {
      TokenId best = -1;
      for (size_t id = 0; id < tokens_.size(); ++id) {
        const bool fits =
            !tokens_[id].empty() && text.compare(at, tokens_[id].size(), tokens_[id]) == 0;
        if (fits && (best < 0 || tokens_[id].size() > tokens_[static_cast<size_t>(best)].size()))
          best = static_cast<TokenId>(id);
      }
      if (best < 0) {
        ++at;
        continue;
      }
      ids.push_back(best);
      at += tokens_[static_cast<size_t>(best)].size();
    }
    return ids;
  }

  std::vector<TokenId> prefix() const override { return {}; }
  std::vector<TokenId> suffix() const override { return {}; }
  std::string token_bytes(TokenId id, bool with_control) const override {
    if (id < 0 || id >= vocabulary_size()) {
      fail(ErrorCode::invalid_argument, "token id must be in [0, {}), got {}", tokens_.size(), id);
    }
    return type(id) == TokenType::control && !with_control ? "" : tokens_[static_cast<size_t>(id)];
  }
  std::string_view piece(TokenId id) const override { return tokens_[static_cast<size_t>(id)]; }
  TokenType type(TokenId id) const override { return types_[static_cast<size_t>(id)]; }
  int64_t vocabulary_size() const override { return static_cast<int64_t>(tokens_.size()); }
  std::optional<TokenId> find(std::string_view piece) const override {
    for (size_t id = 0; id < tokens_.size(); ++id)
      if (tokens_[id] == piece) return static_cast<TokenId>(id);
    return std::nullopt;
  }
  std::optional<TokenId> bos() const override { return std::nullopt; }
  std::optional<TokenId> eos() const override { return std::nullopt; }
  bool adds_bos() const override { return false; }
  bool strips_leading_space() const override { return false; }
  std::span<const TokenId> end_of_generation() const override { return ends_; }

 private:
  std::vector<std::string> tokens_;
  std::vector<TokenId> ends_;
  std::vector<TokenType> types_;
};

}  // namespace sparrow::test_support
