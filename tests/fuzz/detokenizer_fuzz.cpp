// Any ids, one after the other, through a detokenizer of each kind: what comes out is valid UTF-8
// each time, and together it is what the tokens' bytes are.
#include <cstdint>
#include <memory>
#include <vector>

#include "base/error.h"
#include "base/utf8.h"
#include "gguf/gguf_file.h"
#include "tests/support/golden_tokenizer.h"
#include "text/detokenizer.h"
#include "text/tokenizer.h"

namespace sparrow::fuzz {
namespace {

std::shared_ptr<const Tokenizer> from_gguf(const GgufWriter& writer) {
  const std::vector<std::byte> bytes = writer.to_bytes();
  return Tokenizer::from_gguf(*GgufFile::parse(bytes, "golden"));
}

std::vector<std::shared_ptr<const Tokenizer>> make_tokenizers() {
  return {from_gguf(test::byte_level_gguf(test::read_text_golden(SPARROW_SOURCE_DIR, "byte_level"),
                                          "qwen2")),
          from_gguf(test::sentencepiece_gguf(
              test::read_text_golden(SPARROW_SOURCE_DIR, "sentencepiece")))};
}

void check(const Tokenizer& tokenizer, bool with_control, const std::vector<TokenId>& ids) {
  Detokenizer detokenizer(tokenizer, with_control);
  std::string streamed;
  std::string bytes;
  for (const TokenId id : ids) {
    const std::string part = detokenizer.push(id);
    SPARROW_CHECK(is_valid_utf8(part));
    streamed += part;
    bytes += tokenizer.token_bytes(id, with_control);
  }
  // Nothing is held back but the beginning of a character.
  const size_t unfinished = unfinished_utf8_bytes(bytes);
  if (tokenizer.strips_leading_space() && bytes.starts_with(' ')) bytes.erase(0, 1);
  SPARROW_CHECK(streamed ==
                repair_utf8(std::string_view(bytes).substr(0, bytes.size() - unfinished)));
  const std::string last = detokenizer.finish();
  SPARROW_CHECK(is_valid_utf8(last));
  SPARROW_CHECK(streamed + last == repair_utf8(bytes));
  SPARROW_CHECK(streamed + last == tokenizer.decode(ids, with_control));
}

}  // namespace
}  // namespace sparrow::fuzz

// The first byte chooses; then an id takes two bytes.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const auto tokenizers = sparrow::fuzz::make_tokenizers();
  if (size == 0) return 0;
  const sparrow::Tokenizer& tokenizer = *tokenizers[data[0] & 1];
  std::vector<sparrow::TokenId> ids;
  for (size_t at = 1; at + 1 < size; at += 2) {
    const int number = data[at] | data[at + 1] << 8;
    ids.push_back(static_cast<sparrow::TokenId>(number % tokenizer.vocabulary_size()));
  }
  sparrow::fuzz::check(tokenizer, (data[0] & 2) != 0, ids);
  return 0;
}
