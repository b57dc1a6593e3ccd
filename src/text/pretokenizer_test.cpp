#include "text/pretokenizer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sparrow {
namespace {

std::vector<std::string> words(const char* name, std::string_view text) {
  std::vector<size_t> ends;
  find_pretokenizer(name)->split(text, ends);
  std::vector<std::string> words;
  size_t begin = 0;
  for (const size_t end : ends) {
    words.emplace_back(text.substr(begin, end - begin));
    begin = end;
  }
  EXPECT_EQ(begin, text.size());
  return words;
}

using testing::ElementsAre;

TEST(PreTokenizer, qwen2_cuts_digits_alone_and_gives_the_last_space_to_the_word) {
  EXPECT_THAT(
      words("qwen2", "I'll pay 123  euros\n\n  now "),
      ElementsAre("I", "'ll", " pay", " ", "1", "2", "3", " ", " euros", "\n\n", " ", " now", " "));
  EXPECT_THAT(words("qwen2", "x+=1;\n\ny"), ElementsAre("x", "+=", "1", ";\n\n", "y"));
  EXPECT_THAT(words("qwen2", "\tif(a\n \nb"), ElementsAre("\tif", "(a", "\n \n", "b"));
  EXPECT_THAT(words("qwen2", "你好，世界。"), ElementsAre("你好", "，世界", "。"));
}

TEST(PreTokenizer, qwen2_contractions_ignore_case_and_know_the_long_s) {
  EXPECT_THAT(words("qwen2", "IT'S it'\u017f A'Re"),
              ElementsAre("IT", "'S", " it", "'\u017f", " A", "'Re"));
  EXPECT_THAT(words("qwen2", "'sx"), ElementsAre("'s", "x"));
  EXPECT_THAT(words("qwen2", "'x"), ElementsAre("'x"));
  EXPECT_THAT(words("qwen2", "'"), ElementsAre("'"));
}

TEST(PreTokenizer, llama_bpe_takes_digits_by_three) {
  EXPECT_THAT(words("llama-bpe", "12345 ٣٤٥٦"), ElementsAre("123", "45", " ", "٣٤٥", "٦"));
}

TEST(PreTokenizer, gpt2_keeps_case_in_contractions_and_numbers_whole) {
  EXPECT_THAT(words("gpt-2", "it's IT'S 1234!?  \n x"),
              ElementsAre("it", "'s", " IT", "'", "S", " 1234", "!?", "  \n", " x"));
}

TEST(PreTokenizer, smollm_cuts_digits_before_anything_else) {
  EXPECT_THAT(words("smollm", "a  12 b"), ElementsAre("a", "  ", "1", "2", " b"));
  EXPECT_THAT(words("starcoder", "²x"), ElementsAre("²", "x"));
}

TEST(PreTokenizer, deepseek_coder_cuts_newlines_words_punctuation_and_chinese) {
  EXPECT_THAT(words("deepseek-coder", "ab 你好,c\r\n  d9"),
              ElementsAre("ab", " ", "你好", ",", "c", "\r", "\n", " ", " d", "9"));
}

TEST(PreTokenizer, deepseek_llm_keeps_whitespace_at_the_end_together) {
  EXPECT_THAT(words("deepseek-llm", "ab。 你 12  \n"),
              ElementsAre("ab", "。", " ", "你", " ", "1", "2", "  ", "\n"));
}

TEST(PreTokenizer, default_cuts_punctuation_first_and_digits_by_three) {
  EXPECT_THAT(words("default", "a+b 12345?"), ElementsAre("a", "+", "b", " ", "123", "45", "?"));
}

TEST(PreTokenizer, nothing_has_no_words) {
  for (const char* name : {"qwen2", "llama-bpe", "smollm", "deepseek-coder", "deepseek-llm",
                           "gpt-2", "starcoder", "default"}) {
    EXPECT_TRUE(words(name, "").empty()) << name;
  }
  EXPECT_EQ(find_pretokenizer("bloom"), nullptr);
  EXPECT_EQ(find_pretokenizer_by_stages(""), nullptr);
}

}  // namespace
}  // namespace sparrow
