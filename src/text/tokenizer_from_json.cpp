// A tokenizer from a Hugging Face tokenizer.json. Only the forms of the families that run here are
// read; any other is refused by its name, because guessing would give other ids.
#include <algorithm>

#include "base/error.h"
#include "base/json.h"
#include "base/quoted.h"
#include "text/byte_piece.h"
#include "text/loaded_tokenizer.h"
#include "text/read_merges.h"

namespace sparrow {
namespace {

constexpr std::string_view kMark = "\u2581";  // ▁
constexpr size_t kMaxFileBytes = size_t{64} << 20;

std::string shown(const TreeJson& value) {
  return quoted_text(value.dump(-1, ' ', false, TreeJson::error_handler_t::replace));
}

[[noreturn]] void refuse(std::string_view what, const TreeJson& value) {
  fail(ErrorCode::unsupported, "tokenizer.json: {} {} is not read here", what, shown(value));
}

// A field that may be absent or null.
const TreeJson& field(const TreeJson& object, const char* name) {
  static const TreeJson kNull;
  if (!object.is_object()) return kNull;
  const auto found = object.find(name);
  return found == object.end() ? kNull : *found;
}

bool flag(const TreeJson& object, const char* name, bool if_absent) {
  const TreeJson& value = field(object, name);
  if (value.is_null()) return if_absent;
  if (!value.is_boolean()) {
    fail(ErrorCode::invalid_file, "tokenizer.json: `{}` is {}; it must be true or false", name,
         value.type_name());
  }
  return value.get<bool>();
}

std::string text_of(const TreeJson& object, const char* name) {
  const TreeJson& value = field(object, name);
  return value.is_string() ? value.get<std::string>() : std::string();
}

bool is_token_id(const TreeJson& value) {
  return value.is_number_integer() && value >= 0 && value < kMaxVocabularySize;
}

// `object` itself, or the members of a Sequence of them.
std::vector<const TreeJson*> flatten(const TreeJson& object, const char* list_name) {
  if (object.is_null()) return {};
  if (text_of(object, "type") != "Sequence") return {&object};
  std::vector<const TreeJson*> members;
  for (const TreeJson& member : field(object, list_name)) members.push_back(&member);
  return members;
}

// ---- vocabulary

struct Entry {
  std::string_view piece;
  TokenType type = TokenType::unused;
};

void place(std::vector<Entry>& entries, TokenId id, Entry entry) {
  if (static_cast<size_t>(id) >= entries.size()) entries.resize(static_cast<size_t>(id) + 1);
  entries[static_cast<size_t>(id)] = entry;
}

void place_model_pieces(const TreeJson& model, std::vector<Entry>& entries) {
  const TreeJson& pieces = field(model, "vocab");
  if (!pieces.is_object() || pieces.empty()) {
    fail(ErrorCode::invalid_file, "tokenizer.json: model.vocab must be an object of piece: id");
  }
  const bool has_bytes = flag(model, "byte_fallback", false);
  for (const auto& [piece, number] : pieces.items()) {
    if (!is_token_id(number)) {
      fail(ErrorCode::invalid_file,
           "tokenizer.json: model.vocab gives {} the id {}; ids are 0 to {}", quoted_text(piece),
           shown(number), kMaxVocabularySize - 1);
    }
    const TokenId id = number.get<TokenId>();
    const bool is_byte = has_bytes && byte_of_piece(piece) >= 0;
    if (static_cast<size_t>(id) < entries.size() &&
        !entries[static_cast<size_t>(id)].piece.empty()) {
      fail(ErrorCode::invalid_file, "tokenizer.json: model.vocab gives {} and {} the same id {}",
           quoted_text(entries[static_cast<size_t>(id)].piece), quoted_text(piece), id);
    }
    place(entries, id, {piece, is_byte ? TokenType::byte : TokenType::normal});
  }
}

struct AddedLists {
  std::vector<AddedToken> plain;
  std::vector<AddedToken> normalized;
};

AddedToken read_added_token(const TreeJson& row, size_t index) {
  AddedToken token;
  token.content = text_of(row, "content");
  if (!is_token_id(field(row, "id"))) {
    fail(ErrorCode::invalid_file, "tokenizer.json: added_tokens[{}] has the id {}; ids are 0 to {}",
         index, shown(field(row, "id")), kMaxVocabularySize - 1);
  }
  token.id = field(row, "id").get<TokenId>();
  token.is_control = flag(row, "special", false);
  token.strips_left = flag(row, "lstrip", false);
  token.strips_right = flag(row, "rstrip", false);
  token.is_single_word = flag(row, "single_word", false);
  if (token.content.empty() || token.content.size() > kMaxAddedTokenBytes) {
    fail(ErrorCode::invalid_file,
         "tokenizer.json: added_tokens[{}] has a content of {} bytes; 1 to {} are taken", index,
         token.content.size(), kMaxAddedTokenBytes);
  }
  return token;
}

// `entries` keeps views into `rows`.
AddedLists place_added_tokens(const TreeJson& rows, std::vector<Entry>& entries) {
  AddedLists lists;
  size_t index = 0;
  for (const TreeJson& row : rows) {
    AddedToken token = read_added_token(row, index++);
    const std::string& content = field(row, "content").get_ref<const std::string&>();
    const size_t at = static_cast<size_t>(token.id);
    if (at < entries.size() && !entries[at].piece.empty() && entries[at].piece != content) {
      fail(ErrorCode::invalid_file, "tokenizer.json: id {} is {} and the added token {}", token.id,
           quoted_text(entries[at].piece), quoted_text(content));
    }
    place(entries, token.id,
          {content, token.is_control ? TokenType::control : TokenType::user_defined});
    (flag(row, "normalized", true) ? lists.normalized : lists.plain).push_back(std::move(token));
  }
  return lists;
}

Vocabulary make_vocabulary(const std::vector<Entry>& entries) {
  Vocabulary vocabulary(static_cast<int64_t>(entries.size()));
  for (size_t id = 0; id < entries.size(); ++id) {
    if (const std::optional<TokenId> same = vocabulary.add(entries[id].piece, entries[id].type)) {
      fail(ErrorCode::invalid_file, "tokenizer.json: the ids {} and {} are both {}", *same, id,
           quoted_text(entries[id].piece));
    }
  }
  return vocabulary;
}

// ---- the other parts

MergeTable read_json_merges(const TreeJson& model, const Vocabulary& vocabulary) {
  constexpr std::string_view kWhere = "tokenizer.json: model.merges";
  const TreeJson& rows = field(model, "merges");
  if (!rows.is_array()) fail(ErrorCode::invalid_file, "{} must be an array", kWhere);
  return read_merges(vocabulary, rows.size(), kWhere, [&](size_t i) -> PiecePair {
    const TreeJson& row = rows[i];
    if (row.is_string()) return split_merge(row.get_ref<const std::string&>(), i, kWhere);
    if (row.is_array() && row.size() == 2 && row[0].is_string() && row[1].is_string()) {
      return {row[0].get_ref<const std::string&>(), row[1].get_ref<const std::string&>()};
    }
    fail(ErrorCode::invalid_file, "{}[{}] is {}; a merge is \"left right\" or [left, right]",
         kWhere, i, shown(row));
  });
}

// The part of a pre-tokenizer that PreTokenizer::json_stages has as one line.
std::string stage_of(const TreeJson& step) {
  const std::string type = text_of(step, "type");
  if (type == "Split" && text_of(step, "behavior") == "Isolated" && !flag(step, "invert", false)) {
    const std::string pattern = text_of(field(step, "pattern"), "Regex");
    if (!pattern.empty()) return fmt::format("Split {}", pattern);
  }
  if (type == "Digits" && flag(step, "individual_digits", false)) return "Digits";
  if (type == "ByteLevel" && !flag(step, "add_prefix_space", true)) {
    return flag(step, "use_regex", true) ? "ByteLevel regex" : "ByteLevel";
  }
  refuse("the pre-tokenizer step", step);
}

bool has_type(const std::vector<const TreeJson*>& steps, std::string_view type) {
  return std::any_of(steps.begin(), steps.end(),
                     [&](const TreeJson* step) { return text_of(*step, "type") == type; });
}

ByteLevelBpe read_byte_level(const TreeJson& root, const std::vector<const TreeJson*>& steps,
                             Vocabulary& vocabulary) {
  const TreeJson& model = field(root, "model");
  std::string stages;
  for (const TreeJson* step : steps) {
    if (!stages.empty()) stages += '\n';
    stages += stage_of(*step);
  }
  ByteLevelBpe::Rules rules;
  rules.pretokenizer = find_pretokenizer_by_stages(stages);
  if (rules.pretokenizer == nullptr) refuse("the pre-tokenizer", field(root, "pre_tokenizer"));
  for (const TreeJson* step : flatten(field(root, "normalizer"), "normalizers")) {
    if (text_of(*step, "type") != "NFC") refuse("the normalizer", *step);
    rules.composes = true;
  }
  for (const TreeJson* step : flatten(field(root, "decoder"), "decoders")) {
    if (text_of(*step, "type") != "ByteLevel") refuse("the decoder", *step);
  }
  if (flag(model, "byte_fallback", false))
    refuse("byte_fallback beside ByteLevel in", model["type"]);
  rules.takes_whole_words = flag(model, "ignore_merges", false);
  rules.unknown = vocabulary.unknown;
  rules.fuses_unknown = flag(model, "fuse_unk", false);
  MergeTable merges = read_json_merges(model, vocabulary);
  return ByteLevelBpe(vocabulary, std::move(merges), rules);
}

// Normalizer [Prepend ▁, Replace " " with ▁], or the pre-tokenizer Metaspace.
SentencePieceBpe::Rules read_space_rules(const TreeJson& root,
                                         const std::vector<const TreeJson*>& steps) {
  const bool has_metaspace = steps.size() == 1 && text_of(*steps[0], "type") == "Metaspace" &&
                             text_of(*steps[0], "replacement") == kMark;
  if (!steps.empty() && !has_metaspace) refuse("the pre-tokenizer", field(root, "pre_tokenizer"));
  SentencePieceBpe::Rules rules;
  rules.prefix = SpacePrefix::never;
  bool marks = false;
  for (const TreeJson* step : flatten(field(root, "normalizer"), "normalizers")) {
    const std::string type = text_of(*step, "type");
    if (type == "Prepend" && text_of(*step, "prepend") == kMark && !marks) {
      rules.prefix = SpacePrefix::always;
    } else if (type == "Replace" && text_of(field(*step, "pattern"), "String") == " " &&
               text_of(*step, "content") == kMark) {
      marks = true;
    } else {
      refuse("the normalizer", *step);
    }
  }
  if (marks == has_metaspace) {
    refuse("a BPE without ByteLevel that marks spaces not once but", field(root, "normalizer"));
  }
  if (marks) return rules;
  const TreeJson& step = *steps[0];
  const std::string scheme = field(step, "prepend_scheme").is_null()
                                 ? (flag(step, "add_prefix_space", true) ? "always" : "never")
                                 : text_of(step, "prepend_scheme");
  if (scheme != "always" && scheme != "first" && scheme != "never") {
    refuse("the pre-tokenizer", step);
  }
  rules.prefix = scheme == "always"  ? SpacePrefix::always
                 : scheme == "first" ? SpacePrefix::first
                                     : SpacePrefix::never;
  rules.doubles_prefix = false;
  rules.marks_in_normalizer = false;
  rules.splits_words = flag(step, "split", true);
  return rules;
}

// Replace ▁, ByteFallback, Fuse, Strip one space; or Metaspace, which does the same.
bool decoder_strips(const TreeJson& root) {
  bool strips = false;
  for (const TreeJson* step : flatten(field(root, "decoder"), "decoders")) {
    const std::string type = text_of(*step, "type");
    if (type == "Strip") {
      const bool is_one_space = text_of(*step, "content") == " " && field(*step, "start") == 1 &&
                                field(*step, "stop") == 0;
      if (!is_one_space) refuse("the decoder", *step);
      strips = true;
    } else if (type == "Metaspace") {
      strips = text_of(*step, "prepend_scheme") != "never" && flag(*step, "add_prefix_space", true);
    } else if (type != "Replace" && type != "ByteFallback" && type != "Fuse") {
      refuse("the decoder", *step);
    }
  }
  return strips;
}

SentencePieceBpe read_sentencepiece(const TreeJson& root, const std::vector<const TreeJson*>& steps,
                                    Vocabulary& vocabulary) {
  const TreeJson& model = field(root, "model");
  SentencePieceBpe::Rules rules = read_space_rules(root, steps);
  rules.strips_leading_space = decoder_strips(root);
  rules.fuses_unknown = flag(model, "fuse_unk", false);
  if (flag(model, "ignore_merges", false)) refuse("ignore_merges beside ▁ in", model["type"]);
  MergeTable merges = read_json_merges(model, vocabulary);
  return SentencePieceBpe(vocabulary, std::move(merges), rules);
}

void check_model(const TreeJson& model) {
  const std::string type = text_of(model, "type");
  if (type != "BPE" && !(type.empty() && !field(model, "merges").is_null())) {
    refuse("the model type", field(model, "type"));
  }
  const TreeJson& dropout = field(model, "dropout");
  if (!dropout.is_null() && dropout != 0) refuse("the BPE dropout", dropout);
  for (const char* name : {"continuing_subword_prefix", "end_of_word_suffix"}) {
    if (!text_of(model, name).empty()) refuse(name, field(model, name));
  }
}

// What TemplateProcessing puts around a single text, if anything.
void read_post_processor(const TreeJson& root, Vocabulary& vocabulary) {
  for (const TreeJson* step : flatten(field(root, "post_processor"), "processors")) {
    const std::string type = text_of(*step, "type");
    if (type == "ByteLevel") continue;
    if (type != "TemplateProcessing") refuse("the post-processor", *step);
    bool is_behind = false;
    for (const TreeJson& item : field(*step, "single")) {
      if (!field(item, "Sequence").is_null()) {
        is_behind = true;
        continue;
      }
      const std::string piece = text_of(field(item, "SpecialToken"), "id");
      const std::optional<TokenId> id = vocabulary.find(piece);
      std::optional<TokenId>& side = is_behind ? vocabulary.eos : vocabulary.bos;
      if (!id || side) refuse("the post-processor", *step);
      side = id;
      (is_behind ? vocabulary.adds_eos : vocabulary.adds_bos) = true;
    }
  }
}

void read_unknown(const TreeJson& model, Vocabulary& vocabulary) {
  const std::string piece = text_of(model, "unk_token");
  if (piece.empty()) return;
  vocabulary.unknown = vocabulary.find(piece);
  if (!vocabulary.unknown) {
    fail(ErrorCode::invalid_file, "tokenizer.json: model.unk_token is {}, which is no token",
         quoted_text(piece));
  }
}

}  // namespace

std::shared_ptr<const Tokenizer> Tokenizer::from_json(std::string_view tokenizer_json) {
  const TreeJson root =
      parse_tree_json(tokenizer_json, "tokenizer.json", {.size_bytes = kMaxFileBytes});
  const TreeJson& model = field(root, "model");
  check_model(model);
  std::vector<Entry> entries;
  place_model_pieces(model, entries);
  AddedLists added = place_added_tokens(field(root, "added_tokens"), entries);
  Vocabulary vocabulary = make_vocabulary(entries);
  read_unknown(model, vocabulary);
  read_post_processor(root, vocabulary);
  std::vector<TokenId> ending;
  if (vocabulary.eos) ending.push_back(*vocabulary.eos);
  vocabulary.set_end_of_generation(ending);
  const std::vector<const TreeJson*> steps = flatten(field(root, "pre_tokenizer"), "pretokenizers");
  BpeModel bpe = has_type(steps, "ByteLevel")
                     ? BpeModel(read_byte_level(root, steps, vocabulary))
                     : BpeModel(read_sentencepiece(root, steps, vocabulary));
  return std::make_shared<LoadedTokenizer>(std::move(vocabulary), std::move(bpe),
                                           std::move(added.plain), std::move(added.normalized));
}

}  // namespace sparrow
