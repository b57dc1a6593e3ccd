#include "text/vocabulary.h"

#include <algorithm>

namespace sparrow {
namespace {

// How the families end a turn or an answer, and how their fill-in-the-middle and older chat
// variants do.
constexpr std::string_view kEndingPieces[] = {
    "<|im_end|>",       // ChatML: Qwen, SmolLM2
    "<|endoftext|>",    // GPT-2, Qwen, StarCoder
    "<|eot_id|>",       // Llama 3
    "<|eom_id|>",       // Llama 3.1, after a tool call
    "<|end_of_text|>",  // Llama 3
    "</s>",             // Llama 2, Mistral
    "<|EOT|>",          // DeepSeek-Coder
    "<|end▁of▁sentence|>",
    "<｜end▁of▁sentence｜>",  // DeepSeek, as two generations spell it
    "<|end|>",                // Phi-3
    "<end_of_turn>",          // Gemma
    "<EOT>",
    "▁<EOT>",  // CodeLlama
};

}  // namespace

Vocabulary::Vocabulary(int64_t size) : index_(static_cast<size_t>(size)) {
  pieces_.reserve(static_cast<size_t>(size), static_cast<size_t>(size) * 8);
  types_.reserve(static_cast<size_t>(size));
}

std::optional<TokenId> Vocabulary::add(std::string_view piece, TokenType type) {
  const TokenId id = static_cast<TokenId>(types_.size());
  if (type != TokenType::unused) {
    const int32_t same = index_.find(pieces_, piece);
    if (same >= 0) return same;
  }
  pieces_.push(piece);
  types_.push_back(type);
  if (type != TokenType::unused) index_.insert(pieces_, id);
  return std::nullopt;
}

std::optional<TokenId> Vocabulary::find(std::string_view piece) const {
  const int32_t id = index_.find(pieces_, piece);
  if (id < 0) return std::nullopt;
  return id;
}

void Vocabulary::set_end_of_generation(std::span<const TokenId> declared) {
  end_of_generation_.assign(declared.begin(), declared.end());
  for (const std::string_view piece : kEndingPieces) {
    const std::optional<TokenId> id = find(piece);
    if (id && type(*id) == TokenType::control) end_of_generation_.push_back(*id);
  }
  std::sort(end_of_generation_.begin(), end_of_generation_.end());
  end_of_generation_.erase(std::unique(end_of_generation_.begin(), end_of_generation_.end()),
                           end_of_generation_.end());
}

}  // namespace sparrow
