#include "text/tokenizer.h"

#include <algorithm>

#include "text/detokenizer.h"

namespace sparrow {

std::vector<TokenId> Tokenizer::encode(std::string_view text, bool from_template) const {
  const Segment segment = {std::string(text), from_template};
  return encode(std::span(&segment, 1));
}

std::vector<TokenId> Tokenizer::with_prefix(std::vector<TokenId> ids) const {
  const std::vector<TokenId> begin = prefix();
  const bool has_prefix =
      ids.size() >= begin.size() && std::equal(begin.begin(), begin.end(), ids.begin());
  if (!has_prefix) ids.insert(ids.begin(), begin.begin(), begin.end());
  return ids;
}

std::string Tokenizer::decode(std::span<const TokenId> ids, bool with_control) const {
  Detokenizer detokenizer(*this, with_control);
  std::string text;
  for (const TokenId id : ids) text += detokenizer.push(id);
  return text + detokenizer.finish();
}

}  // namespace sparrow
