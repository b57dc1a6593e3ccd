// Text to token ids and back, exactly as the model's reference tokenizer does it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/segment.h"

namespace sparrow {

class GgufFile;

using TokenId = int32_t;

// GGUF's token types, numbered as in tokenizer.ggml.token_type.
enum class TokenType : uint8_t {
  normal = 1,
  unknown = 2,
  control = 3,
  user_defined = 4,
  unused = 5,
  byte = 6
};

// Loaded once, immutable; any thread.
class Tokenizer {
 public:
  // From tokenizer.ggml.*; throws Error{invalid_file|unsupported} naming the key and the value.
  static std::shared_ptr<const Tokenizer> from_gguf(const GgufFile& file);
  // From the text of a Hugging Face tokenizer.json.
  static std::shared_ptr<const Tokenizer> from_json(std::string_view tokenizer_json);

  virtual ~Tokenizer() = default;

  // The ids of the concatenated segments. Words merge across segment borders as in one string;
  // control tokens count only where every byte of them was written by the template; user-defined
  // tokens count everywhere. Invalid UTF-8 becomes U+FFFD as Python's errors='replace' does it. No
  // BOS or EOS is added.
  virtual std::vector<TokenId> encode(std::span<const Segment> segments) const = 0;

  // One text; `from_template` decides whether control tokens in it count.
  std::vector<TokenId> encode(std::string_view text, bool from_template = false) const;

  // What this tokenizer puts in front and behind when asked to (add_bos_token / add_eos_token of
  // the file).
  virtual std::vector<TokenId> prefix() const = 0;
  virtual std::vector<TokenId> suffix() const = 0;
  // With prefix() in front, unless the ids begin with it.
  std::vector<TokenId> with_prefix(std::vector<TokenId> ids) const;

  // The bytes this token stands for in running text (" hello", one byte of a character,
  // "<|im_end|>"). Empty for control tokens unless `with_control`. SentencePiece's space prefix is
  // undone by the Detokenizer, not here. Throws Error{invalid_argument} for an id outside the
  // vocabulary.
  virtual std::string token_bytes(TokenId id, bool with_control = false) const = 0;

  // The vocabulary's own spelling ("Ġhello", "▁hello", "<0x0A>").
  virtual std::string_view piece(TokenId id) const = 0;
  virtual TokenType type(TokenId id) const = 0;
  virtual int64_t vocabulary_size() const = 0;
  // The id whose spelling is exactly `piece`.
  virtual std::optional<TokenId> find(std::string_view piece) const = 0;

  virtual std::optional<TokenId> bos() const = 0;
  virtual std::optional<TokenId> eos() const = 0;
  virtual bool adds_bos() const = 0;
  // SentencePiece: the first word of a text loses the space that encoding put before it.
  virtual bool strips_leading_space() const = 0;
  // Every id that ends an answer: eos, eot and eom of the file and the known names that are control
  // tokens. Sorted.
  virtual std::span<const TokenId> end_of_generation() const = 0;

  // The text of whole ids (invalid UTF-8 becomes U+FFFD).
  std::string decode(std::span<const TokenId> ids, bool with_control = false) const;
};

}  // namespace sparrow
