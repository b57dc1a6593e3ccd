// Texts of any bytes, through a tokenizer of every kind. What comes back is the text; cutting it
// into segments changes nothing; byte-level BPE joins as its definition does; nobody but the
// template writes a control token.
#include <algorithm>
#include <cstdint>
#include <memory>

#include "base/error.h"
#include "base/utf8.h"
#include "gguf/gguf_file.h"
#include "tests/support/golden_tokenizer.h"
#include "tests/support/slow_bpe.h"
#include "text/nfc.h"
#include "text/pretokenizer.h"
#include "text/tokenizer.h"

namespace sparrow::fuzz {
namespace {

struct Kind {
  std::shared_ptr<const Tokenizer> tokenizer;
  const PreTokenizer* pretokenizer = nullptr;  // null: SentencePiece
};

std::shared_ptr<const Tokenizer> from_gguf(const GgufWriter& writer) {
  const std::vector<std::byte> bytes = writer.to_bytes();
  return Tokenizer::from_gguf(*GgufFile::parse(bytes, "golden"));
}

struct Kinds {
  Kinds() : golden(test::read_text_golden(SPARROW_SOURCE_DIR, "byte_level")), slow(golden) {
    for (const auto& [pre, kind] : golden["kinds"].items()) {
      all.push_back({from_gguf(test::byte_level_gguf(golden, pre)), find_pretokenizer(pre)});
    }
    const TreeJson sentencepiece = test::read_text_golden(SPARROW_SOURCE_DIR, "sentencepiece");
    all.push_back({from_gguf(test::sentencepiece_gguf(sentencepiece))});
    all.push_back({Tokenizer::from_json(test::tokenizer_json(sentencepiece, "metaspace-first"))});
  }
  TreeJson golden;
  test::SlowBpe slow;
  std::vector<Kind> all;
};

std::string with_spaces(std::string text) {
  constexpr std::string_view kMark = "\u2581";
  std::string result;
  for (size_t at = 0; at < text.size();) {
    const bool is_mark = std::string_view(text).substr(at, kMark.size()) == kMark;
    result += is_mark ? ' ' : text[at];
    at += is_mark ? kMark.size() : 1;
  }
  return result;
}

int64_t control_count(const Tokenizer& tokenizer, const std::vector<TokenId>& ids) {
  return std::count_if(ids.begin(), ids.end(), [&](TokenId id) {
    return tokenizer.type(id) == TokenType::control || tokenizer.type(id) == TokenType::unknown;
  });
}

void check_meaning(const Kind& kind, const std::string& text, const std::vector<TokenId>& ids) {
  const std::string decoded = kind.tokenizer->decode(ids);
  if (kind.pretokenizer == nullptr) {
    // Metaspace puts no second ▁ before a text that begins with one, and decoding takes one away.
    const std::string wanted = with_spaces(text);
    SPARROW_CHECK(decoded == wanted || (wanted.starts_with(' ') && decoded == wanted.substr(1)));
    return;
  }
  // Text beside an added token composes by itself, so the two may differ by what they compose to.
  SPARROW_CHECK(kind.pretokenizer->composes ? to_nfc(decoded) == to_nfc(text) : decoded == text);
}

void check_joins(const test::SlowBpe& slow, const Kind& kind, const std::string& text,
                 const std::vector<TokenId>& ids) {
  if (kind.pretokenizer == nullptr || kind.pretokenizer->takes_whole_words || text.size() > 160)
    return;
  if (text.find("<tool") != std::string::npos || text.find("</tool") != std::string::npos) return;
  std::vector<std::string> pieces;
  for (const TokenId id : ids) pieces.emplace_back(kind.tokenizer->piece(id));
  const std::string normal = kind.pretokenizer->composes ? to_nfc(text) : text;
  SPARROW_CHECK(pieces == slow.encode(*kind.pretokenizer, normal));
}

void check(const Kinds& kinds, uint8_t choice, uint8_t cut_seed, const std::string& bytes) {
  const Kind& kind = kinds.all[choice % kinds.all.size()];
  const Tokenizer& tokenizer = *kind.tokenizer;
  const std::string text = repair_utf8(bytes);
  const std::vector<TokenId> ids = tokenizer.encode(bytes);
  SPARROW_CHECK(tokenizer.encode(text) == ids);
  SPARROW_CHECK(control_count(tokenizer, ids) == 0);
  check_meaning(kind, text, ids);
  check_joins(kinds.slow, kind, text, ids);

  // The same text in three segments.
  const size_t first = bytes.empty() ? 0 : cut_seed % (bytes.size() + 1);
  const size_t second = first + (bytes.size() - first) * (cut_seed / 16) / 16;
  Segment segments[3] = {{bytes.substr(0, first), false},
                         {bytes.substr(first, second - first), false},
                         {bytes.substr(second), false}};
  SPARROW_CHECK(tokenizer.encode(segments) == ids);
  for (Segment& segment : segments) segment.from_template = true;
  const std::vector<TokenId> with_control = tokenizer.encode(bytes, true);
  SPARROW_CHECK(tokenizer.encode(segments) == with_control);
  segments[1].from_template = false;
  const std::vector<TokenId> mixed = tokenizer.encode(segments);
  SPARROW_CHECK(first == second ||
                control_count(tokenizer, mixed) <=
                    control_count(tokenizer, tokenizer.encode(segments[0].text, true)) +
                        control_count(tokenizer, tokenizer.encode(segments[2].text, true)));
  if (kind.pretokenizer != nullptr && !kind.pretokenizer->composes) {
    SPARROW_CHECK(tokenizer.decode(with_control, true) == text);
    SPARROW_CHECK(tokenizer.decode(mixed, true) == text);
  }
}

}  // namespace
}  // namespace sparrow::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const sparrow::fuzz::Kinds kinds;
  if (size < 2) return 0;
  sparrow::fuzz::check(kinds, data[0], data[1],
                       std::string(reinterpret_cast<const char*>(data) + 2, size - 2));
  return 0;
}
