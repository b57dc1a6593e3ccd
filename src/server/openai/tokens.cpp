#include "server/openai/tokens.h"

#include <algorithm>

#include "base/error.h"
#include "base/utf8.h"
#include "server/wire.h"

namespace sparrow::openai {
namespace {

bool begins_character(char byte) { return (static_cast<uint8_t>(byte) & 0xC0) != 0x80; }

}  // namespace

std::string TokenNames::bytes(TokenId id) const { return model_.tokenizer->token_bytes(id, true); }

std::string TokenNames::name(TokenId id) const {
  if (as_ids_) return fmt::format("token_id:{}", id);
  std::string text = bytes(id);
  if (is_valid_utf8(text)) return text;
  std::string escaped = "bytes:";
  for (const char byte : text) escaped += fmt::format("\\x{:02x}", static_cast<uint8_t>(byte));
  return escaped;
}

Json TokenNames::chat_token(TokenId id, float logprob) const {
  return {{"token", name(id)}, {"logprob", logprob}, {"bytes", byte_numbers(bytes(id))}};
}

Json TokenNames::chat_entry(const OutputToken& token) const {
  Json entry = chat_token(token.id, token.logprob);
  entry["top_logprobs"] = Json::array();
  for (const TokenLogprob& top : token.top)
    entry["top_logprobs"].push_back(chat_token(top.id, top.logprob));
  return entry;
}

Json TokenNames::prompt_entry(const OutputToken& token) const {
  const auto details = [&](TokenId id, float logprob, int64_t rank) -> Json {
    return {{"logprob", logprob}, {"rank", rank}, {"decoded_token", name(id)}};
  };
  Json entry = Json::object();
  entry[std::to_string(token.id)] = details(token.id, token.logprob, token.rank);
  for (size_t i = 0; i < token.top.size(); ++i) {
    const TokenLogprob& top = token.top[i];
    if (top.id != token.id)
      entry[std::to_string(top.id)] = details(top.id, top.logprob, static_cast<int64_t>(i) + 1);
  }
  return entry;
}

Json TokenLists::empty_lists() {
  return {{"tokens", Json::array()},
          {"token_logprobs", Json::array()},
          {"top_logprobs", Json::array()},
          {"text_offset", Json::array()}};
}

void TokenLists::add_name(const TokenNames& names, TokenId id) {
  const std::string bytes = names.bytes(id);
  lists_["tokens"].push_back(names.name(id));
  lists_["text_offset"].push_back(offset_);
  offset_ += std::ranges::count_if(bytes, begins_character);
}

void TokenLists::add(const TokenNames& names, const OutputToken& token) {
  add_name(names, token.id);
  lists_["token_logprobs"].push_back(token.logprob);
  Json top = Json::object();
  // Two tokens may share a text: the likelier one, which comes first, has it.
  for (const TokenLogprob& other : token.top) top.emplace(names.name(other.id), other.logprob);
  top.emplace(names.name(token.id), token.logprob);
  lists_["top_logprobs"].push_back(std::move(top));
}

void TokenLists::add_unscored(const TokenNames& names, TokenId id) {
  add_name(names, id);
  lists_["token_logprobs"].push_back(nullptr);
  lists_["top_logprobs"].push_back(nullptr);
}

Json TokenLists::take() { return std::exchange(lists_, empty_lists()); }

}  // namespace sparrow::openai
