#include "text/detokenizer.h"

#include <algorithm>
#include <utility>

#include "base/utf8.h"

namespace sparrow {

Detokenizer::Detokenizer(const Tokenizer& tokenizer, bool with_control)
    : tokenizer_(tokenizer), with_control_(with_control) {}

Detokenizer::Detokenizer(const Tokenizer& tokenizer, std::vector<TokenId> shown_control)
    : tokenizer_(tokenizer), with_control_(false), shown_control_(std::move(shown_control)) {
  std::sort(shown_control_.begin(), shown_control_.end());
}

std::string Detokenizer::push(TokenId id) {
  const bool with_control =
      with_control_ || std::binary_search(shown_control_.begin(), shown_control_.end(), id);
  const std::string bytes = tokenizer_.token_bytes(id, with_control);
  if (bytes.empty()) return "";
  const bool loses_space = at_start_ && tokenizer_.strips_leading_space() && bytes[0] == ' ';
  at_start_ = false;
  pending_.append(bytes, loses_space ? 1 : 0);
  const size_t whole = pending_.size() - unfinished_utf8_bytes(pending_);
  const std::string text = repair_utf8(std::string_view(pending_).substr(0, whole));
  pending_.erase(0, whole);
  return text;
}

std::string Detokenizer::finish() {
  const std::string text = repair_utf8(pending_);
  pending_.clear();
  return text;
}

}  // namespace sparrow
