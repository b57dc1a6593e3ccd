// What tokenizers promise besides the reference's ids: who may write control tokens, what ends an
// answer, what a broken vocabulary is refused with.
#include "text/tokenizer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "base/error.h"
#include "gguf/gguf_file.h"
#include "tests/support/golden_tokenizer.h"
#include "text/byte_level.h"
#include "text/detokenizer.h"

namespace sparrow {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::shared_ptr<const Tokenizer> from_gguf(const GgufWriter& writer) {
  const std::vector<std::byte> bytes = writer.to_bytes();
  return Tokenizer::from_gguf(*GgufFile::parse(bytes, "test"));
}

const TreeJson& byte_level_golden() {
  static const TreeJson golden = test::read_text_golden(SPARROW_SOURCE_DIR, "byte_level");
  return golden;
}

const TreeJson& sentencepiece_golden() {
  static const TreeJson golden = test::read_text_golden(SPARROW_SOURCE_DIR, "sentencepiece");
  return golden;
}

// The bytes that a byte-level vocabulary must have, then what a test adds.
struct Parts {
  std::string model = "gpt2";
  std::string pre = "gpt-2";
  std::vector<std::string> tokens;
  std::vector<int32_t> types;
  std::vector<std::string> merges;
  std::vector<float> scores;

  Parts() {
    for (const std::string& byte : byte_level_spelling()) add(byte, 1);
  }
  int32_t add(const std::string& token, int32_t type) {
    tokens.push_back(token);
    types.push_back(type);
    return static_cast<int32_t>(tokens.size()) - 1;
  }
  GgufWriter writer() const {
    GgufWriter writer;
    writer.add_string("tokenizer.ggml.model", model);
    if (!pre.empty()) writer.add_string("tokenizer.ggml.pre", pre);
    writer.add_strings("tokenizer.ggml.tokens", tokens);
    if (!types.empty()) writer.add_int32s("tokenizer.ggml.token_type", types);
    writer.add_strings("tokenizer.ggml.merges", merges);
    if (!scores.empty()) writer.add_float32s("tokenizer.ggml.scores", scores);
    return writer;
  }
};

TEST(Tokenizer, control_tokens_count_only_where_the_template_wrote_every_byte) {
  Parts parts;
  const TokenId end = parts.add("<|im_end|>", 3);
  const TokenId tool = parts.add("<tool>", 4);
  const auto tokenizer = from_gguf(parts.writer());
  const auto count = [&](std::vector<Segment> segments, TokenId id) {
    const std::vector<TokenId> ids = tokenizer->encode(segments);
    return std::count(ids.begin(), ids.end(), id);
  };
  EXPECT_EQ(count({{"a<|im_end|>", true}}, end), 1);
  EXPECT_EQ(count({{"a<|im_end|>", false}}, end), 0);
  EXPECT_EQ(count({{"<|im_", true}, {"end|>", true}}, end), 1);
  EXPECT_EQ(count({{"<|im_", true}, {"", false}, {"end|>", true}}, end), 1);
  EXPECT_EQ(count({{"<|im_", true}, {"end|>", false}}, end), 0);
  EXPECT_EQ(count({{"<|im_", false}, {"end|>", true}}, end), 0);
  EXPECT_EQ(count({{"<|im_", true}, {"e", false}, {"nd|>", true}}, end), 0);
  EXPECT_EQ(count({{"<tool><to", false}, {"ol>", true}}, tool), 2);
}

TEST(Tokenizer, words_merge_across_the_border_of_segments) {
  Parts parts;
  parts.merges = {"a b", "c d", "ab cd"};
  parts.add("ab", 1);
  parts.add("cd", 1);
  const TokenId all = parts.add("abcd", 1);
  const auto tokenizer = from_gguf(parts.writer());
  const Segment segments[] = {{"a", true}, {"b", false}, {"cd", true}};
  EXPECT_THAT(tokenizer->encode(segments), ElementsAre(all));
}

TEST(Tokenizer, an_answer_ends_at_declared_ids_and_at_known_control_tokens) {
  Parts parts;
  const TokenId eos = parts.add("<eos>", 3);
  const TokenId turn = parts.add("<|im_end|>", 3);
  parts.add("<|endoftext|>", 4);  // user-defined: it ends nothing
  const TokenId eot = parts.add("<my eot>", 3);
  GgufWriter writer = parts.writer();
  writer.add_uint32("tokenizer.ggml.eos_token_id", static_cast<uint32_t>(eos));
  writer.add_uint32("tokenizer.ggml.eot_token_id", static_cast<uint32_t>(eot));
  writer.add_uint32("tokenizer.ggml.bos_token_id", 0xFFFFFFFF);  // how some say "none"
  const auto tokenizer = from_gguf(writer);
  EXPECT_THAT(tokenizer->end_of_generation(), ElementsAre(eos, turn, eot));
  EXPECT_EQ(tokenizer->eos(), eos);
  EXPECT_EQ(tokenizer->bos(), std::nullopt);
}

TEST(Tokenizer, bos_and_eos_are_added_only_where_the_file_says_so) {
  Parts parts;
  const TokenId bos = parts.add("<bos>", 3);
  GgufWriter silent = parts.writer();
  silent.add_uint32("tokenizer.ggml.bos_token_id", static_cast<uint32_t>(bos));
  EXPECT_TRUE(from_gguf(silent)->prefix().empty());
  GgufWriter adding = parts.writer();
  adding.add_uint32("tokenizer.ggml.bos_token_id", static_cast<uint32_t>(bos));
  adding.add_uint32("tokenizer.ggml.eos_token_id", static_cast<uint32_t>(bos));
  adding.add_bool("tokenizer.ggml.add_bos_token", true);
  adding.add_bool("tokenizer.ggml.add_eos_token", true);
  EXPECT_THAT(from_gguf(adding)->prefix(), ElementsAre(bos));
  EXPECT_THAT(from_gguf(adding)->suffix(), ElementsAre(bos));
  parts.pre = "llama-bpe";  // this family adds it unless told not to
  GgufWriter llama = parts.writer();
  llama.add_uint32("tokenizer.ggml.bos_token_id", static_cast<uint32_t>(bos));
  EXPECT_THAT(from_gguf(llama)->prefix(), ElementsAre(bos));
}

TEST(Tokenizer, sentencepiece_names_its_usual_ids_and_adds_bos) {
  const auto tokenizer = from_gguf(test::sentencepiece_gguf(sentencepiece_golden()));
  EXPECT_EQ(tokenizer->bos(), 1);
  EXPECT_THAT(tokenizer->prefix(), ElementsAre(1));
  EXPECT_THAT(tokenizer->end_of_generation(), ElementsAre(2));
  EXPECT_TRUE(tokenizer->strips_leading_space());
  EXPECT_EQ(tokenizer->token_bytes(3 + 0x0A), "\n");
  EXPECT_EQ(tokenizer->token_bytes(1), "");
  EXPECT_EQ(tokenizer->token_bytes(1, true), "<s>");
}

TEST(Tokenizer, sentencepiece_without_space_prefix_neither_adds_nor_strips_it) {
  GgufWriter writer = test::sentencepiece_gguf(sentencepiece_golden());
  writer.add_bool("tokenizer.ggml.add_space_prefix", false);
  const auto tokenizer = from_gguf(writer);
  EXPECT_EQ(tokenizer->decode(tokenizer->encode(" the the")), " the the");
  EXPECT_EQ(tokenizer->decode(tokenizer->encode("the")), "the");
  EXPECT_EQ(tokenizer->token_bytes(tokenizer->encode("the")[0])[0], 't');
}

// Of Mistral's version 3 and Llama 2, which mark what follows a control token differently.
TEST(Tokenizer, sentencepiece_with_mistrals_control_tokens_marks_the_first_word_only) {
  TreeJson golden = sentencepiece_golden();
  const auto llama = from_gguf(test::sentencepiece_gguf(golden));
  golden["pieces"].push_back({"[INST]", 0.0, 3});
  const auto mistral = from_gguf(test::sentencepiece_gguf(golden));
  EXPECT_EQ(mistral->encode("the the", true), llama->encode("the the", true));
  EXPECT_EQ(mistral->piece(mistral->encode("[INST] the", true)[1]), "▁the");
  EXPECT_EQ(llama->piece(llama->encode("<s> the", true)[1]), "▁");
}

TEST(Tokenizer, padding_rows_stand_for_nothing_and_are_not_found_in_text) {
  const auto tokenizer = from_gguf(test::byte_level_gguf(byte_level_golden(), "qwen2"));
  const TokenId padding = static_cast<TokenId>(tokenizer->vocabulary_size()) - 1;
  const std::string piece(tokenizer->piece(padding));
  EXPECT_EQ(piece, "[PAD" + std::to_string(padding) + "]");
  EXPECT_EQ(tokenizer->type(padding), TokenType::unused);
  EXPECT_EQ(tokenizer->token_bytes(padding, true), "");
  EXPECT_EQ(tokenizer->find(piece), std::nullopt);
  EXPECT_EQ(tokenizer->decode(tokenizer->encode(piece, true)), piece);
  EXPECT_GT(tokenizer->encode(piece, true).size(), 1u);
}

TEST(Tokenizer, ids_outside_the_vocabulary_are_refused) {
  const auto tokenizer = from_gguf(Parts().writer());
  for (const TokenId id : {-1, 256, INT32_MAX, INT32_MIN}) {
    EXPECT_THROW(tokenizer->token_bytes(id), Error) << id;
    EXPECT_THROW(tokenizer->piece(id), Error) << id;
    EXPECT_THROW(tokenizer->type(id), Error) << id;
  }
}

TEST(Tokenizer, bytes_without_a_token_are_left_out_as_the_reference_leaves_them_out) {
  Parts parts;
  parts.tokens.erase(parts.tokens.begin() + 0xF1);
  parts.types.pop_back();
  const auto tokenizer = from_gguf(parts.writer());
  EXPECT_THAT(tokenizer->encode("a\U00040000b"), ElementsAre('a', 0x80, 0x80, 0x80, 'b'));
}

TEST(Detokenizer, gives_whole_characters_and_repairs_broken_ones) {
  const auto tokenizer = from_gguf(Parts().writer());
  Detokenizer detokenizer(*tokenizer);
  EXPECT_EQ(detokenizer.push(0xE4), "");
  EXPECT_EQ(detokenizer.push(0xBD), "");
  EXPECT_EQ(detokenizer.push(0xA0), "你");
  EXPECT_EQ(detokenizer.push(0xF0), "");
  EXPECT_EQ(detokenizer.push('a'), "\uFFFDa");
  EXPECT_EQ(detokenizer.push(0xFF), "\uFFFD");
  EXPECT_EQ(detokenizer.push(0xC3), "");
  EXPECT_EQ(detokenizer.finish(), "\uFFFD");
  EXPECT_EQ(detokenizer.finish(), "");
}

TEST(Detokenizer, shows_control_tokens_when_asked) {
  Parts parts;
  const TokenId end = parts.add("<|im_end|>", 3);
  const auto tokenizer = from_gguf(parts.writer());
  const TokenId ids[] = {'a', end, 'b'};
  EXPECT_EQ(tokenizer->decode(ids), "ab");
  EXPECT_EQ(tokenizer->decode(ids, true), "a<|im_end|>b");
}

TEST(Detokenizer, shows_the_control_tokens_that_it_is_told) {
  Parts parts;
  const TokenId end = parts.add("<|im_end|>", 3);
  const TokenId call = parts.add("[TOOL_CALLS]", 3);
  const auto tokenizer = from_gguf(parts.writer());
  Detokenizer detokenizer(*tokenizer, std::vector<TokenId>{call, 'a'});
  std::string text;
  for (const TokenId id : {TokenId{'a'}, end, call, TokenId{'b'}}) text += detokenizer.push(id);
  EXPECT_EQ(text, "a[TOOL_CALLS]b");
}

// ---- broken files

std::string refusal(const GgufWriter& writer, ErrorCode code = ErrorCode::invalid_file) {
  try {
    from_gguf(writer);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), code) << error.what();
    return error.what();
  }
  ADD_FAILURE() << "it was taken";
  return "";
}

TEST(TokenizerFromGguf, unknown_kinds_are_refused_by_name_with_those_that_are_known) {
  Parts parts;
  parts.pre = "tekken";
  EXPECT_THAT(refusal(parts.writer(), ErrorCode::unsupported),
              HasSubstr("tokenizer.ggml.pre is 'tekken'; these are read: qwen2, llama-bpe"));
  parts.model = "bert";
  EXPECT_THAT(refusal(parts.writer(), ErrorCode::unsupported),
              HasSubstr("tokenizer.ggml.model is 'bert'; these are read: gpt2, llama"));
}

TEST(TokenizerFromGguf, arrays_must_fit_the_vocabulary) {
  Parts parts;
  parts.types.pop_back();
  EXPECT_THAT(refusal(parts.writer()), HasSubstr("tokenizer.ggml.token_type has 255 entries"));
  parts.types.push_back(7);
  EXPECT_THAT(refusal(parts.writer()), HasSubstr("tokenizer.ggml.token_type[255] is 7"));
  parts.types.back() = 1;
  parts.model = "llama";
  EXPECT_THAT(refusal(parts.writer()), HasSubstr("tokenizer.ggml.scores is missing"));
  parts.scores.assign(257, 0);
  EXPECT_THAT(refusal(parts.writer()), HasSubstr("tokenizer.ggml.scores has 257 entries"));
  parts.scores.pop_back();
  parts.scores[3] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_THAT(refusal(parts.writer()), HasSubstr("tokenizer.ggml.scores[3] is nan"));
}

TEST(TokenizerFromGguf, arrays_of_another_type_are_refused) {
  Parts parts;
  parts.model = "llama";
  parts.types.clear();
  GgufWriter scores = parts.writer();
  scores.add_int32s("tokenizer.ggml.scores", std::vector<int32_t>(256, 1));
  EXPECT_THAT(refusal(scores), HasSubstr("tokenizer.ggml.scores"));
  GgufWriter types = parts.writer();
  types.add_float32s("tokenizer.ggml.token_type", std::vector<float>(256, 1));
  EXPECT_THAT(refusal(types), HasSubstr("tokenizer.ggml.token_type"));
}

TEST(TokenizerFromGguf, a_piece_has_one_id) {
  Parts parts;
  parts.add("a", 4);
  EXPECT_THAT(refusal(parts.writer()),
              HasSubstr("tokenizer.ggml.tokens[97] and [256] are both 'a'"));
}

TEST(TokenizerFromGguf, merges_name_tokens) {
  Parts parts;
  parts.add("ab", 1);
  parts.merges = {"a b", "b zz"};
  EXPECT_THAT(refusal(parts.writer()), HasSubstr("tokenizer.ggml.merges[1] needs the token 'zz'"));
  parts.merges[1] = "b c";
  EXPECT_THAT(refusal(parts.writer()), HasSubstr("tokenizer.ggml.merges[1] needs the token 'bc'"));
  for (const char* line : {"", " ", "ab", "a b c", " a", "a "}) {
    parts.merges[1] = line;
    EXPECT_THAT(refusal(parts.writer()), HasSubstr("tokenizer.ggml.merges[1] is '")) << line;
  }
}

TEST(TokenizerFromGguf, special_ids_are_ids) {
  for (const char* key : {"bos", "eos", "eot", "padding", "unknown", "anything"}) {
    GgufWriter writer = Parts().writer();
    const std::string name = std::string("tokenizer.ggml.") + key + "_token_id";
    writer.add_uint32(name, 256);
    EXPECT_THAT(refusal(writer),
                HasSubstr("'" + name + "' is 256, but the vocabulary has 256 tokens"));
  }
}

TEST(TokenizerFromGguf, byte_tokens_are_read_by_table) {
  for (const char* piece : {"<0x-1>", "<0x+1>", "<0xG0>", "<0x0>", "<0x100>", "<0x0a>", "x"}) {
    Parts parts;
    parts.tokens.clear();
    parts.types.clear();
    parts.add(piece, 6);
    EXPECT_THAT(refusal(parts.writer()), HasSubstr("a byte token is spelled <0x00> to <0xFF>"));
  }
}

TEST(TokenizerFromGguf, control_tokens_have_256_bytes_at_most) {
  Parts parts;
  parts.add(std::string(256, 'x'), 3);
  EXPECT_NO_THROW(from_gguf(parts.writer()));
  parts.tokens.back() += 'x';
  EXPECT_THAT(refusal(parts.writer(), ErrorCode::unsupported), HasSubstr("of 257 bytes"));
}

TEST(TokenizerFromGguf, pieces_are_utf8_and_there_are_some) {
  Parts parts;
  parts.add("\xFF", 1);
  EXPECT_THAT(refusal(parts.writer()), HasSubstr("tokenizer.ggml.tokens[256] is not UTF-8"));
  parts.tokens.clear();
  parts.types.clear();
  EXPECT_THAT(refusal(parts.writer()), HasSubstr("tokenizer.ggml.tokens has 0 entries"));
}

// ---- broken or unknown tokenizer.json

std::string json_refusal(const std::function<void(TreeJson&)>& change,
                         ErrorCode code = ErrorCode::unsupported) {
  TreeJson root = TreeJson::parse(test::tokenizer_json(byte_level_golden(), "qwen2"));
  change(root);
  try {
    Tokenizer::from_json(root.dump());
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), code) << error.what();
    return error.what();
  }
  ADD_FAILURE() << "it was taken";
  return "";
}

TEST(TokenizerFromJson, unknown_forms_are_refused_by_name) {
  EXPECT_THAT(json_refusal([](TreeJson& j) {
                j["normalizer"] = {{"type", "NFKC"}};
              }),
              HasSubstr("NFKC"));
  EXPECT_THAT(json_refusal([](TreeJson& j) {
                j["pre_tokenizer"] = {{"type", "Whitespace"}};
              }),
              HasSubstr("Whitespace"));
  EXPECT_THAT(json_refusal([](TreeJson& j) {
                j["pre_tokenizer"]["pretokenizers"][0]["pattern"]["Regex"] = "\\w+";
              }),
              HasSubstr("\\w+"));
  EXPECT_THAT(json_refusal([](TreeJson& j) {
                j["decoder"] = {{"type", "WordPiece"}};
              }),
              HasSubstr("WordPiece"));
  EXPECT_THAT(json_refusal([](TreeJson& j) {
                j["post_processor"] = {{"type", "BertProcessing"}};
              }),
              HasSubstr("BertProcessing"));
  EXPECT_THAT(json_refusal([](TreeJson& j) { j["model"]["type"] = "Unigram"; }),
              HasSubstr("Unigram"));
  EXPECT_THAT(json_refusal([](TreeJson& j) { j["model"]["dropout"] = 0.1; }), HasSubstr("dropout"));
  EXPECT_THAT(json_refusal([](TreeJson& j) { j["model"]["end_of_word_suffix"] = "</w>"; }),
              HasSubstr("end_of_word_suffix"));
}

TEST(TokenizerFromJson, broken_vocabularies_are_refused_with_the_place) {
  const auto broken = [](const std::function<void(TreeJson&)>& change) {
    return json_refusal(change, ErrorCode::invalid_file);
  };
  EXPECT_THAT(broken([](TreeJson& j) { j["model"]["vocab"]["a"] = -1; }),
              HasSubstr("gives 'a' the id"));
  EXPECT_THAT(broken([](TreeJson& j) { j["model"]["vocab"]["a"] = 1 << 20; }),
              HasSubstr("1048576"));
  EXPECT_THAT(broken([](TreeJson& j) { j["model"]["vocab"]["a"] = 0.5; }), HasSubstr("0.5"));
  EXPECT_THAT(broken([](TreeJson& j) { j["model"]["vocab"]["aa"] = 0; }), HasSubstr("same id 0"));
  EXPECT_THAT(broken([](TreeJson& j) { j["model"]["vocab"] = TreeJson::array(); }),
              HasSubstr("vocab"));
  EXPECT_THAT(broken([](TreeJson& j) { j["model"]["merges"][0] = "a zz"; }),
              HasSubstr("model.merges[0] needs the token 'zz'"));
  EXPECT_THAT(broken([](TreeJson& j) { j["model"]["merges"][0] = 3; }),
              HasSubstr("model.merges[0]"));
  EXPECT_THAT(broken([](TreeJson& j) { j["model"]["merges"] = "a b"; }), HasSubstr("model.merges"));
  EXPECT_THAT(broken([](TreeJson& j) { j["added_tokens"][0]["id"] = 3; }), HasSubstr("id 3"));
  EXPECT_THAT(broken([](TreeJson& j) { j["added_tokens"][0]["content"] = ""; }),
              HasSubstr("added_tokens[0]"));
  EXPECT_THAT(broken([](TreeJson& j) { j["added_tokens"][0]["special"] = "yes"; }),
              HasSubstr("`special`"));
  EXPECT_THAT(broken([](TreeJson& j) { j["model"]["unk_token"] = "<nothing>"; }),
              HasSubstr("<nothing>"));
  EXPECT_THROW(Tokenizer::from_json("{"), Error);
  EXPECT_THROW(Tokenizer::from_json("[]"), Error);
  EXPECT_THROW(Tokenizer::from_json("3"), Error);
}

TEST(TokenizerFromJson, template_processing_gives_bos) {
  TreeJson root = TreeJson::parse(test::tokenizer_json(byte_level_golden(), "llama-bpe"));
  root["post_processor"] = TreeJson::parse(R"({"type": "Sequence", "processors": [
      {"type": "ByteLevel"},
      {"type": "TemplateProcessing", "single": [
        {"SpecialToken": {"id": "<|im_start|>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}]}]})");
  const auto tokenizer = Tokenizer::from_json(root.dump());
  EXPECT_THAT(tokenizer->prefix(), ElementsAre(*tokenizer->find("<|im_start|>")));
  EXPECT_TRUE(tokenizer->suffix().empty());
}

}  // namespace
}  // namespace sparrow
