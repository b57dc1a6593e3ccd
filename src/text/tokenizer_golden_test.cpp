// The ids of the reference tokenizers on tiny vocabularies: scripts/make_goldens_text.py.
#include <gtest/gtest.h>

#include <random>

#include "base/utf8.h"
#include "gguf/gguf_file.h"
#include "tests/support/golden_tokenizer.h"
#include "tests/support/slow_bpe.h"
#include "text/detokenizer.h"
#include "text/nfc.h"
#include "text/pretokenizer.h"
#include "text/tokenizer.h"

namespace sparrow {
namespace {

using Ids = std::vector<TokenId>;

std::shared_ptr<const Tokenizer> from_gguf(const GgufWriter& writer) {
  const std::vector<std::byte> bytes = writer.to_bytes();
  return Tokenizer::from_gguf(*GgufFile::parse(bytes, "test"));
}

std::string streamed(const Tokenizer& tokenizer, const Ids& ids) {
  Detokenizer detokenizer(tokenizer);
  std::string text;
  for (const TokenId id : ids) {
    const std::string part = detokenizer.push(id);
    EXPECT_TRUE(is_valid_utf8(part));
    text += part;
  }
  return text + detokenizer.finish();
}

// The segments are cut at a byte, so also inside of characters and of control tokens.
Ids encode_cut(const Tokenizer& tokenizer, const std::string& text, size_t cut, bool special) {
  const Segment segments[] = {{text.substr(0, cut), special}, {text.substr(cut), special}};
  return tokenizer.encode(segments);
}

void expect_golden(const Tokenizer& tokenizer, const TreeJson& golden, const std::string& kind) {
  const TreeJson& expected = golden["kinds"][kind];
  for (size_t i = 0; i < golden["texts"].size(); ++i) {
    const std::string text = golden["texts"][i].get<std::string>();
    SCOPED_TRACE(kind + ": " + text);
    const Ids with_control = expected["ids"][i][0].get<Ids>();
    const Ids without = expected["ids"][i][1].get<Ids>();
    EXPECT_EQ(tokenizer.encode(text, true), with_control);
    EXPECT_EQ(tokenizer.encode(text, false), without);
    for (size_t cut = 0; cut <= text.size(); cut += 1 + text.size() / 16) {
      EXPECT_EQ(encode_cut(tokenizer, text, cut, true), with_control) << "cut at " << cut;
      EXPECT_EQ(encode_cut(tokenizer, text, cut, false), without) << "cut at " << cut;
    }
    const std::string decoded = expected["decoded"][i].get<std::string>();
    EXPECT_EQ(tokenizer.decode(with_control), decoded);
    EXPECT_EQ(streamed(tokenizer, with_control), decoded);
  }
}

TEST(TokenizerGolden, byte_level_bpe_of_each_family_from_tokenizer_json_and_from_gguf) {
  const TreeJson golden = test::read_text_golden(SPARROW_SOURCE_DIR, "byte_level");
  for (const auto& [pre, kind] : golden["kinds"].items()) {
    const std::shared_ptr<const Tokenizer> tokenizer =
        from_gguf(test::byte_level_gguf(golden, pre));
    expect_golden(*tokenizer, golden, pre);
    for (const TreeJson& row : golden["texts"]) {
      const std::string text = row.get<std::string>();
      EXPECT_EQ(tokenizer->decode(tokenizer->encode(text)), pre == "qwen2" ? to_nfc(text) : text);
    }
    if (pre == "default") continue;  // llama.cpp's own rule; no tokenizer.json has it
    expect_golden(*Tokenizer::from_json(test::tokenizer_json(golden, pre)), golden, pre);
  }
}

TEST(TokenizerGolden, added_tokens_with_every_flag) {
  const TreeJson golden = test::read_text_golden(SPARROW_SOURCE_DIR, "added_tokens");
  for (const auto& [name, kind] : golden["kinds"].items()) {
    const auto tokenizer = Tokenizer::from_json(test::tokenizer_json(golden, name));
    for (size_t i = 0; i < golden["texts"].size(); ++i) {
      const std::string text = golden["texts"][i].get<std::string>();
      EXPECT_EQ(tokenizer->encode(text, true), kind["ids"][i][0].get<Ids>())
          << name << ": " << text;
      EXPECT_EQ(tokenizer->encode(text, false), kind["ids"][i][1].get<Ids>())
          << name << ": " << text;
    }
  }
}

// Long words of many scripts, which the fast one cuts where it can.
TEST(TokenizerGolden, byte_level_bpe_joins_as_the_definition_does) {
  const TreeJson golden = test::read_text_golden(SPARROW_SOURCE_DIR, "byte_level");
  const test::SlowBpe slow(golden);
  const auto tokenizer = from_gguf(test::byte_level_gguf(golden, "gpt-2"));
  std::vector<std::string> characters;
  for (const TreeJson& row : golden["texts"]) {
    const std::string text = row.get<std::string>();
    for (size_t at = 0; at < text.size();) {
      const uint32_t size_bytes = decode_utf8(text, at).size_bytes;
      characters.push_back(text.substr(at, size_bytes));
      at += size_bytes;
    }
  }
  std::mt19937 random(3);
  for (int round = 0; round < 3000; ++round) {
    std::string text;
    for (uint32_t i = random() % 60; i > 0; --i) text += characters[random() % characters.size()];
    std::vector<std::string> pieces;
    for (const TokenId id : tokenizer->encode(text)) pieces.emplace_back(tokenizer->piece(id));
    ASSERT_EQ(pieces, slow.encode(*find_pretokenizer("gpt-2"), text)) << text;
  }
}

TEST(TokenizerGolden, sentencepiece_bpe_from_tokenizer_json) {
  const TreeJson golden = test::read_text_golden(SPARROW_SOURCE_DIR, "sentencepiece");
  for (const auto& [name, kind] : golden["kinds"].items()) {
    expect_golden(*Tokenizer::from_json(test::tokenizer_json(golden, name)), golden, name);
  }
}

TEST(TokenizerGolden, sentencepiece_bpe_from_gguf_as_sentencepiece_itself) {
  const TreeJson golden = test::read_text_golden(SPARROW_SOURCE_DIR, "sentencepiece");
  const std::shared_ptr<const Tokenizer> tokenizer = from_gguf(test::sentencepiece_gguf(golden));
  expect_golden(*tokenizer, golden, "prepend");
  for (size_t i = 0; i < golden["texts"].size(); ++i) {
    const std::string text = golden["texts"][i].get<std::string>();
    EXPECT_EQ(tokenizer->encode(text), golden["sentencepiece_ids"][i].get<Ids>()) << text;
  }
}

}  // namespace
}  // namespace sparrow
