// Turns a stream of tokens into a stream of whole UTF-8 characters.
#pragma once

#include <string>
#include <vector>

#include "text/tokenizer.h"

namespace sparrow {

// Per request; used by one thread. The concatenation of all results equals Tokenizer::decode of all
// tokens.
class Detokenizer {
 public:
  // `tokenizer` must outlive this. `with_control` shows control tokens as text.
  explicit Detokenizer(const Tokenizer& tokenizer, bool with_control = false);
  // Shows only these.
  Detokenizer(const Tokenizer& tokenizer, std::vector<TokenId> shown_control);

  // The characters that `id` completes; may be empty while a character is still in pieces.
  std::string push(TokenId id);
  // What is left at the end: an unfinished character becomes U+FFFD.
  std::string finish();

 private:
  const Tokenizer& tokenizer_;
  bool with_control_;
  std::vector<TokenId> shown_control_;  // sorted
  bool at_start_ = true;
  std::string pending_;  // bytes of an unfinished character
};

}  // namespace sparrow
