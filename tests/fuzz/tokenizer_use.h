// What must hold of a tokenizer that a hostile file was loaded into.
#pragma once

#include "base/error.h"
#include "base/utf8.h"
#include "text/tokenizer.h"

namespace sparrow::fuzz {

// Encodes and decodes a few texts: ids are in range, decoding ends, special ids are ids.
inline void use_tokenizer(const Tokenizer& tokenizer) {
  const auto check_id = [&](TokenId id) {
    SPARROW_CHECK(id >= 0 && id < tokenizer.vocabulary_size());
    tokenizer.token_bytes(id, true);
    SPARROW_CHECK(is_valid_utf8(tokenizer.piece(id)));
  };
  const auto check_ids = [&](std::span<const TokenId> ids) {
    for (const TokenId id : ids) check_id(id);
  };
  for (const char* text :
       {"", " ", "ab cab  abc", "a\n\n1234 don't", "\xFF<|im_end|>\u4F60\u597D", "<s> </s><x>"}) {
    for (const bool from_template : {false, true}) {
      const std::vector<TokenId> ids = tokenizer.encode(text, from_template);
      check_ids(ids);
      SPARROW_CHECK(is_valid_utf8(tokenizer.decode(ids, from_template)));
    }
  }
  check_ids(tokenizer.prefix());
  check_ids(tokenizer.suffix());
  check_ids(tokenizer.end_of_generation());
  if (tokenizer.bos()) check_id(*tokenizer.bos());
  if (tokenizer.eos()) check_id(*tokenizer.eos());
}

}  // namespace sparrow::fuzz
