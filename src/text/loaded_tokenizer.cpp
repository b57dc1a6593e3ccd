#include "text/loaded_tokenizer.h"

#include "base/error.h"

namespace sparrow {

LoadedTokenizer::LoadedTokenizer(Vocabulary vocabulary, BpeModel model,
                                 std::vector<AddedToken> added, std::vector<AddedToken> normalized)
    : vocabulary_(std::move(vocabulary)), model_(std::move(model)), added_(std::move(added)) {
  for (AddedToken& token : normalized) {
    token.content =
        std::visit([&](const auto& bpe) { return bpe.normalize(token.content, true); }, model_);
  }
  normalized_ = AddedTokens(std::move(normalized));
}

std::vector<TokenId> LoadedTokenizer::encode(std::span<const Segment> segments) const {
  const PromptText prompt(segments);
  const std::string_view text = prompt.text();
  if (text.size() > kMaxPromptBytes) {
    fail(ErrorCode::invalid_argument, "the prompt is {} bytes long; at most {} are taken",
         text.size(), kMaxPromptBytes);
  }
  std::vector<TokenId> ids;
  size_t begin = 0;
  const auto is_from_template = [&](size_t from, size_t to) {
    return prompt.is_from_template(from, to);
  };
  for (const AddedTokens::Match& match : added_.find_all(text, is_from_template)) {
    if (begin < match.begin) encode_fragment(prompt, begin, match.begin, ids);
    ids.push_back(match.id);
    begin = match.end;
  }
  if (begin < text.size()) encode_fragment(prompt, begin, text.size(), ids);
  return ids;
}

// What lies between two tokens found in the text as it is.
void LoadedTokenizer::encode_fragment(const PromptText& prompt, size_t begin, size_t end,
                                      std::vector<TokenId>& ids) const {
  const std::string_view text = prompt.text().substr(begin, end - begin);
  std::visit(
      [&](const auto& bpe) {
        const std::string normalized = bpe.normalize(text, begin == 0);
        const std::string_view view = normalized;
        // Where normalizing has moved the bytes, who wrote them is known of the fragment as a
        // whole only.
        const bool is_same = view == text;
        const auto is_from_template = [&](size_t from, size_t to) {
          return is_same ? prompt.is_from_template(begin + from, begin + to)
                         : prompt.is_from_template(begin, end);
        };
        size_t at = 0;
        for (const AddedTokens::Match& match : normalized_.find_all(view, is_from_template)) {
          if (at < match.begin) {
            bpe.encode(view.substr(at, match.begin - at), begin + at == 0, ids);
          }
          ids.push_back(match.id);
          at = match.end;
        }
        if (at < view.size()) bpe.encode(view.substr(at), begin + at == 0, ids);
      },
      model_);
}

std::vector<TokenId> LoadedTokenizer::prefix() const {
  if (!vocabulary_.adds_bos || !vocabulary_.bos) return {};
  return {*vocabulary_.bos};
}

std::vector<TokenId> LoadedTokenizer::suffix() const {
  if (!vocabulary_.adds_eos || !vocabulary_.eos) return {};
  return {*vocabulary_.eos};
}

void LoadedTokenizer::check(TokenId id) const {
  if (vocabulary_.has(id)) return;
  fail(ErrorCode::invalid_argument, "there is no token {}: the vocabulary has {} tokens", id,
       vocabulary_.size());
}

std::string LoadedTokenizer::token_bytes(TokenId id, bool with_control) const {
  check(id);
  if (vocabulary_.is_control(id)) return with_control ? std::string(vocabulary_.piece(id)) : "";
  if (vocabulary_.type(id) == TokenType::unused) return "";
  return std::visit([id](const auto& bpe) { return std::string(bpe.bytes(id)); }, model_);
}

std::string_view LoadedTokenizer::piece(TokenId id) const {
  check(id);
  return vocabulary_.piece(id);
}

TokenType LoadedTokenizer::type(TokenId id) const {
  check(id);
  return vocabulary_.type(id);
}

bool LoadedTokenizer::strips_leading_space() const {
  const auto* bpe = std::get_if<SentencePieceBpe>(&model_);
  return bpe != nullptr && bpe->strips_leading_space();
}

}  // namespace sparrow
