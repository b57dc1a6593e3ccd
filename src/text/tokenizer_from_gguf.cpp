// A tokenizer from the metadata of a GGUF file.
#include <charconv>
#include <cmath>

#include "base/error.h"
#include "base/log.h"
#include "base/quoted.h"
#include "base/utf8.h"
#include "gguf/gguf_file.h"
#include "text/byte_piece.h"
#include "text/loaded_tokenizer.h"
#include "text/read_merges.h"

namespace sparrow {
namespace {

constexpr std::string_view kTokens = "tokenizer.ggml.tokens";
constexpr std::string_view kTypes = "tokenizer.ggml.token_type";
constexpr std::string_view kScores = "tokenizer.ggml.scores";
constexpr std::string_view kMerges = "tokenizer.ggml.merges";
constexpr std::string_view kPre = "tokenizer.ggml.pre";

// Converters fill the rows of a vocabulary that no token has with [PAD and the row's number].
bool is_padding(std::string_view piece, TokenId id) {
  if (!piece.starts_with("[PAD") || !piece.ends_with("]")) return false;
  const std::string_view digits = piece.substr(4, piece.size() - 5);
  TokenId number = -1;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  return error == std::errc() && end == digits.data() + digits.size() && number == id;
}

std::vector<TokenType> read_types(const Metadata& metadata, size_t count) {
  std::vector<TokenType> types(count, TokenType::normal);
  const std::optional<std::vector<int64_t>> numbers = metadata.find_ints(kTypes);
  if (!numbers) return types;
  if (numbers->size() != count) {
    fail(ErrorCode::invalid_file, "{} has {} entries, but {} has {}; they must be as many", kTypes,
         numbers->size(), kTokens, count);
  }
  for (size_t id = 0; id < count; ++id) {
    const int64_t number = (*numbers)[id];
    if (number < 1 || number > 6) {
      fail(ErrorCode::invalid_file, "{}[{}] is {}; token types are 1 to 6", kTypes, id, number);
    }
    types[id] = static_cast<TokenType>(number);
  }
  return types;
}

Vocabulary read_vocabulary(const Metadata& metadata) {
  const std::vector<std::string_view>& pieces = metadata.get_strings(kTokens);
  if (pieces.empty() || static_cast<int64_t>(pieces.size()) > kMaxVocabularySize) {
    fail(ErrorCode::invalid_file, "{} has {} entries; a vocabulary has 1 to {}", kTokens,
         pieces.size(), kMaxVocabularySize);
  }
  const std::vector<TokenType> types = read_types(metadata, pieces.size());
  Vocabulary vocabulary(static_cast<int64_t>(pieces.size()));
  for (size_t i = 0; i < pieces.size(); ++i) {
    const TokenId id = static_cast<TokenId>(i);
    if (!is_valid_utf8(pieces[i])) {
      fail(ErrorCode::invalid_file, "{}[{}] is not UTF-8: {}", kTokens, i, quoted_text(pieces[i]));
    }
    if (types[i] == TokenType::byte && byte_of_piece(pieces[i]) < 0) {
      fail(ErrorCode::invalid_file, "{}[{}] is {}; a byte token is spelled <0x00> to <0xFF>",
           kTokens, i, quoted_text(pieces[i]));
    }
    const TokenType type = is_padding(pieces[i], id) ? TokenType::unused : types[i];
    if (const std::optional<TokenId> same = vocabulary.add(pieces[i], type)) {
      fail(ErrorCode::invalid_file, "{}[{}] and [{}] are both {}; a piece has one id", kTokens,
           *same, i, quoted_text(pieces[i]));
    }
  }
  return vocabulary;
}

// Every id that the file gives a meaning must be one; 2^32 - 1 is how some say "none".
void check_special_ids(const Metadata& metadata, const Vocabulary& vocabulary) {
  for (const GgufEntry& entry : metadata.entries()) {
    if (!entry.key.starts_with("tokenizer.ggml.") || !entry.key.ends_with("_token_id")) continue;
    const std::optional<int64_t> id = metadata.find_int(entry.key);
    if (!id || *id == -1 || *id == UINT32_MAX) continue;
    if (*id < 0 || *id >= vocabulary.size()) {
      fail(ErrorCode::invalid_file, "{} is {}, but the vocabulary has {} tokens",
           quoted_text(entry.key), *id, vocabulary.size());
    }
  }
}

std::optional<TokenId> find_id(const Metadata& metadata, std::string_view key) {
  const std::optional<int64_t> id = metadata.find_int(key);
  if (!id || *id == -1 || *id == UINT32_MAX) return std::nullopt;
  return static_cast<TokenId>(*id);
}

// `bos`, `eos` and `unknown` stand where the file names none.
void read_special_ids(const Metadata& metadata, std::optional<TokenId> bos,
                      std::optional<TokenId> eos, std::optional<TokenId> unknown,
                      Vocabulary& vocabulary) {
  check_special_ids(metadata, vocabulary);
  const auto or_default = [&](std::string_view key, std::optional<TokenId> other) {
    const std::optional<TokenId> id = find_id(metadata, key);
    if (id) return id;
    return other && vocabulary.has(*other) && vocabulary.is_control(*other) ? other : std::nullopt;
  };
  vocabulary.bos = or_default("tokenizer.ggml.bos_token_id", bos);
  vocabulary.eos = or_default("tokenizer.ggml.eos_token_id", eos);
  vocabulary.unknown = or_default("tokenizer.ggml.unknown_token_id", unknown);
  std::vector<TokenId> ending;
  if (vocabulary.eos) ending.push_back(*vocabulary.eos);
  for (const std::string_view key :
       {"tokenizer.ggml.eot_token_id", "tokenizer.ggml.eom_token_id"}) {
    if (const std::optional<TokenId> id = find_id(metadata, key)) ending.push_back(*id);
  }
  vocabulary.set_end_of_generation(ending);
}

std::vector<AddedToken> added_tokens(const Vocabulary& vocabulary) {
  std::vector<AddedToken> added;
  for (TokenId id = 0; id < vocabulary.size(); ++id) {
    const bool is_control = vocabulary.is_control(id);
    const std::string_view piece = vocabulary.piece(id);
    if ((!is_control && vocabulary.type(id) != TokenType::user_defined) || piece.empty()) continue;
    if (piece.size() > kMaxAddedTokenBytes) {
      fail(ErrorCode::unsupported, "{}[{}] is a {} token of {} bytes; at most {} are taken",
           kTokens, id, is_control ? "control" : "user-defined", piece.size(), kMaxAddedTokenBytes);
    }
    added.push_back({.content = std::string(piece), .id = id, .is_control = is_control});
  }
  return added;
}

ByteLevelBpe read_byte_level(const Metadata& metadata, Vocabulary& vocabulary) {
  const std::optional<std::string_view> pre = metadata.find_string(kPre);
  if (!pre) {
    log().warn("the file has no {}; its words are cut as `default` cuts them", kPre);
  }
  const PreTokenizer* pretokenizer = find_pretokenizer(pre.value_or("default"));
  if (pretokenizer == nullptr) {
    fail(ErrorCode::unsupported, "{} is {}; these are read: {}", kPre, quoted_text(*pre),
         pretokenizer_names());
  }
  const std::vector<std::string_view>& lines = metadata.get_strings(kMerges);
  MergeTable merges = read_merges(vocabulary, lines.size(), kMerges,
                                  [&](size_t i) { return split_merge(lines[i], i, kMerges); });
  vocabulary.adds_bos =
      metadata.find_bool("tokenizer.ggml.add_bos_token").value_or(pretokenizer->adds_bos);
  return ByteLevelBpe(vocabulary, std::move(merges),
                      {.pretokenizer = pretokenizer,
                       .composes = pretokenizer->composes,
                       .takes_whole_words = pretokenizer->takes_whole_words});
}

SentencePieceBpe read_sentencepiece(const Metadata& metadata, Vocabulary& vocabulary) {
  const std::optional<std::vector<float>> scores = metadata.find_floats(kScores);
  if (!scores) {
    fail(ErrorCode::invalid_file, "{} is missing; a `llama` tokenizer needs one score a token",
         kScores);
  }
  if (static_cast<int64_t>(scores->size()) != vocabulary.size()) {
    fail(ErrorCode::invalid_file, "{} has {} entries, but {} has {}; they must be as many", kScores,
         scores->size(), kTokens, vocabulary.size());
  }
  for (size_t id = 0; id < scores->size(); ++id) {
    if (!std::isfinite((*scores)[id])) {
      fail(ErrorCode::invalid_file, "{}[{}] is {}; a score is a finite number", kScores, id,
           (*scores)[id]);
    }
  }
  vocabulary.adds_bos = metadata.find_bool("tokenizer.ggml.add_bos_token").value_or(true);
  SentencePieceBpe::Rules rules;
  // Mistral's tokenizers of version 3, known by their control tokens, mark the first word of a text
  // and not what follows a control token; no field of the file says so.
  const std::optional<TokenId> instruction = vocabulary.find("[INST]");
  if (instruction && vocabulary.type(*instruction) == TokenType::control) {
    rules.prefix = SpacePrefix::first;
  }
  if (!metadata.find_bool("tokenizer.ggml.add_space_prefix").value_or(true)) {
    rules.prefix = SpacePrefix::never;
    rules.strips_leading_space = false;
  }
  return SentencePieceBpe::from_scores(vocabulary, *scores, rules);
}

BpeModel read_model(const Metadata& metadata, Vocabulary& vocabulary) {
  const std::string_view model = metadata.get_string("tokenizer.ggml.model");
  if (model == "gpt2") {
    read_special_ids(metadata, std::nullopt, std::nullopt, std::nullopt, vocabulary);
    return read_byte_level(metadata, vocabulary);
  }
  if (model == "llama") {
    read_special_ids(metadata, 1, 2, 0, vocabulary);
    return read_sentencepiece(metadata, vocabulary);
  }
  fail(ErrorCode::unsupported, "tokenizer.ggml.model is {}; these are read: gpt2, llama",
       quoted_text(model));
}

}  // namespace

std::shared_ptr<const Tokenizer> Tokenizer::from_gguf(const GgufFile& file) {
  const Metadata& metadata = file.metadata();
  Vocabulary vocabulary = read_vocabulary(metadata);
  BpeModel model = read_model(metadata, vocabulary);
  vocabulary.adds_eos = metadata.find_bool("tokenizer.ggml.add_eos_token").value_or(false);
  std::vector<AddedToken> added = added_tokens(vocabulary);
  return std::make_shared<LoadedTokenizer>(std::move(vocabulary), std::move(model),
                                           std::move(added), std::vector<AddedToken>());
}

}  // namespace sparrow
