// Tokens that are found in the text before anything else looks at it: control tokens such as
// <|im_end|> and user-defined ones such as <tool_call>.
#pragma once

#include <array>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "text/tokenizer.h"

namespace sparrow {

// The flags are those of Hugging Face's AddedToken.
struct AddedToken {
  std::string content;
  TokenId id = 0;
  bool is_control = false;   // counts only where the template wrote it
  bool strips_left = false;  // swallows the whitespace before it
  bool strips_right = false;
  bool is_single_word = false;  // does not count beside a word character
};

// Longest content that is taken, in bytes: a search looks this far ahead at most.
inline constexpr size_t kMaxAddedTokenBytes = 256;

// Loaded once, immutable; any thread may read.
class AddedTokens {
 public:
  AddedTokens() = default;
  // Contents are not empty, not longer than kMaxAddedTokenBytes, and differ.
  explicit AddedTokens(std::vector<AddedToken> tokens);

  struct Match {
    size_t begin;
    size_t end;
    TokenId id;
  };

  // Whether the template wrote the bytes [begin, end).
  using IsFromTemplate = std::function<bool(size_t begin, size_t end)>;

  // What is found in `text`, from left to right; of those that begin at one place the longest that
  // counts.
  std::vector<Match> find_all(std::string_view text, const IsFromTemplate& is_from_template) const;

  bool empty() const { return tokens_.empty(); }

 private:
  const AddedToken* longest_at(std::string_view text, size_t at,
                               const IsFromTemplate& is_from_template) const;

  std::vector<AddedToken> tokens_;  // by content
  // Those that begin with byte b: [first_[b], first_[b + 1]).
  std::array<size_t, 257> first_ = {};
  std::array<bool, 256> begins_one_ = {};
};

}  // namespace sparrow
