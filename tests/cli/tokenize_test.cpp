// sparrow tokenize as a program, on the tiny vocabularies of tests/golden/text and on SmolLM2.
#include <gmock/gmock.h>

#include "base/config_env.h"
#include "base/json.h"
#include "tests/cli/cli_case.h"
#include "tests/support/golden_tokenizer.h"

namespace sparrow {
namespace {

using test_support::ProgramResult;
using testing::HasSubstr;

class TokenizeTest : public CliTest {
 protected:
  TokenizeTest() : golden_(test::read_text_golden(SPARROW_SOURCE_DIR, "byte_level")) {
    GgufWriter writer = test::byte_level_gguf(golden_, "qwen2");
    writer.add_uint32("tokenizer.ggml.bos_token_id", 521);
    writer.add_bool("tokenizer.ggml.add_bos_token", true);
    write_bytes(gguf(), writer.to_bytes());
    std::ofstream(json()) << test::tokenizer_json(golden_, "qwen2");
  }
  std::string gguf() const { return folder_.file("vocabulary.gguf"); }
  std::string json() const { return folder_.file("tokenizer.json"); }

  std::string output(std::vector<std::string> arguments, const std::string& input = {}) const {
    arguments.insert(arguments.begin(), "tokenize");
    const ProgramResult result = sparrow(arguments, input);
    EXPECT_EQ(result.exit_code, 0) << result.errors;
    EXPECT_EQ(result.errors, "");
    return result.output;
  }

  TreeJson golden_;
};

TEST_F(TokenizeTest, prints_an_id_and_a_piece_a_line) {
  EXPECT_EQ(output({gguf(), "the a"}), "385\tthe\n220\tĠ\n64\ta\n");
  EXPECT_EQ(output({json(), "the a"}), "385\tthe\n220\tĠ\n64\ta\n");
  EXPECT_EQ(output({gguf(), ""}), "");
}

TEST_F(TokenizeTest, standard_input_is_one_text) {
  EXPECT_EQ(output({gguf()}, "the\n\nthe\n"), output({gguf(), "the\n\nthe\n"}));
  EXPECT_EQ(output({gguf()}, ""), "");
  EXPECT_EQ(output({gguf()}, "\xFF\xC3"), output({gguf()}, "\uFFFD\uFFFD"));
}

TEST_F(TokenizeTest, json_is_one_line) {
  EXPECT_EQ(output({gguf(), "the a\"", "--json"}),
            "{\"ids\": [385, 220, 64, 1], \"pieces\": [\"the\", \"Ġ\", \"a\", \"\\\"\"]}\n");
  EXPECT_EQ(output({gguf(), "", "--json"}), "{\"ids\": [], \"pieces\": []}\n");
}

TEST_F(TokenizeTest, control_tokens_count_with_special_and_bos_comes_with_bos) {
  EXPECT_THAT(output({gguf(), "<|im_end|>"}), testing::Not(HasSubstr("522")));
  EXPECT_EQ(output({gguf(), "<|im_end|>", "--special"}), "522\t<|im_end|>\n");
  EXPECT_EQ(output({gguf(), "<tool_call>"}), "523\t<tool_call>\n");
  EXPECT_EQ(output({gguf(), "the", "--bos"}), "521\t<|im_start|>\n385\tthe\n");
}

TEST_F(TokenizeTest, lines_are_json_strings_and_give_an_object_each) {
  EXPECT_EQ(output({gguf(), "--lines"}, "\"the\"\n\"\"\n\"\\ud800\"\n"),
            "{\"ids\": [385], \"pieces\": [\"the\"]}\n{\"ids\": [], \"pieces\": []}\n" +
                output({gguf(), "\uFFFD\uFFFD\uFFFD", "--json"}));
}

TEST_F(TokenizeTest, what_it_cannot_take_ends_in_one_line) {
  const auto refusal = [&](std::vector<std::string> arguments, int exit_code,
                           const std::string& input = {}) {
    arguments.insert(arguments.begin(), "tokenize");
    const ProgramResult result = sparrow(arguments, input);
    EXPECT_EQ(result.exit_code, exit_code) << result.errors;
    return result.errors;
  };
  EXPECT_THAT(refusal({gguf(), "--lines"}, 2, "\"a\"\nb\n"), HasSubstr("line 2 of the input"));
  EXPECT_THAT(refusal({gguf(), "a", "--lines"}, 2), HasSubstr("--lines"));
  EXPECT_THAT(refusal({folder_.file("none.json"), "a"}, 3), HasSubstr("none.json"));
  std::ofstream(json()) << "{\"model\": {\"type\": \"Unigram\"}}";
  EXPECT_THAT(refusal({json(), "a"}, 5), HasSubstr("Unigram"));
  std::ofstream(json()) << "{";
  EXPECT_THAT(refusal({json(), "a"}, 4), HasSubstr("tokenizer.json is not valid JSON"));
}

// SmolLM2's own vocabulary, where scripts/test has fetched the model.
class RealVocabularyTest : public testing::TestWithParam<std::string> {};
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(RealVocabularyTest);
INSTANTIATE_TEST_SUITE_P(SmolLM2, RealVocabularyTest,
                         testing::ValuesIn([]() -> std::vector<std::string> {
                           const auto home = config_env("SPARROW_TEST_HOME");
                           return home ? std::vector{*home} : std::vector<std::string>{};
                         }()),
                         [](const auto&) { return "135M"; });

TEST_P(RealVocabularyTest, gives_the_references_ids) {
  const TreeJson golden = test::read_text_golden(SPARROW_SOURCE_DIR, "smollm2");
  std::string input;
  for (const TreeJson& text : golden["texts"]) input += text.dump() + "\n";
  for (const int with_control : {1, 0}) {
    std::vector<std::string> arguments = {SPARROW_PROGRAM, "tokenize", "smollm2:135m", "--lines"};
    if (with_control) arguments.push_back("--special");
    const ProgramResult result = test_support::run_program(
        {std::move(arguments), input, {"SPARROW_HOME=" + GetParam()}, false});
    ASSERT_EQ(result.exit_code, 0) << result.errors;
    std::istringstream lines(result.output);
    for (size_t i = 0; i < golden["texts"].size(); ++i) {
      std::string line;
      ASSERT_TRUE(std::getline(lines, line));
      EXPECT_EQ(TreeJson::parse(line)["ids"], golden["ids"][i][1 - with_control])
          << golden["texts"][i];
    }
  }
}

}  // namespace
}  // namespace sparrow
