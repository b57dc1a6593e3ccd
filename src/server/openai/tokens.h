// Tokens and their logprobs as OpenAI's and vLLM's APIs spell them.
#pragma once

#include <cstdint>
#include <string>

#include "api/opened_model.h"
#include "base/json.h"
#include "sparrow/generation.h"

namespace sparrow::openai {

// The model must outlive it.
class TokenNames {
 public:
  // `as_ids`: every token is called "token_id:15".
  TokenNames(const OpenedModel& model, bool as_ids) : model_(model), as_ids_(as_ids) {}

  std::string bytes(TokenId id) const;
  // Its text; where that is no whole character, "bytes:\xe2\x80".
  std::string name(TokenId id) const;

  // An entry of a chat's logprobs.content: token, logprob, bytes, top_logprobs.
  Json chat_entry(const OutputToken& token) const;
  // An entry of vLLM's prompt_logprobs: {"15": {logprob, rank, decoded_token}, …}.
  Json prompt_entry(const OutputToken& token) const;

 private:
  Json chat_token(TokenId id, float logprob) const;

  const OpenedModel& model_;
  const bool as_ids_;
};

// The logprobs of /v1/completions: tokens, token_logprobs, top_logprobs, text_offset.
class TokenLists {
 public:
  void add(const TokenNames& names, const OutputToken& token);
  // A token without a logprob: the first of a prompt.
  void add_unscored(const TokenNames& names, TokenId id);
  bool is_empty() const { return lists_["tokens"].empty(); }
  // What has come since the last call. Offsets, in characters, go on.
  Json take();

 private:
  void add_name(const TokenNames& names, TokenId id);
  static Json empty_lists();

  Json lists_ = empty_lists();
  int64_t offset_ = 0;
};

}  // namespace sparrow::openai
