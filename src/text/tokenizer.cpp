#include "text/tokenizer.h"

#include "text/detokenizer.h"

namespace sparrow {

std::vector<TokenId> Tokenizer::encode(std::string_view text, bool from_template) const {
  const Segment segment = {std::string(text), from_template};
  return encode(std::span(&segment, 1));
}

std::string Tokenizer::decode(std::span<const TokenId> ids, bool with_control) const {
  Detokenizer detokenizer(*this, with_control);
  std::string text;
  for (const TokenId id : ids) text += detokenizer.push(id);
  return text + detokenizer.finish();
}

}  // namespace sparrow
