// `sparrow run` with pipes: what reaches standard output, and nothing else.
#include <gmock/gmock.h>

#include "store/store.h"
#include "tests/cli/cli_case.h"

namespace sparrow {
namespace {

using test_support::ProgramResult;
using testing::ContainsRegex;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class RunTest : public CliTest {
 protected:
  // The same words every time.
  ProgramResult run(std::vector<std::string> more, const std::string& input = {},
                    const std::string& model = {}) const {
    std::vector<std::string> arguments = {"run", model.empty() ? tiny() : model};
    arguments.insert(arguments.end(), more.begin(), more.end());
    for (const char* flag : {"--temperature", "0", "--max-tokens", "12"}) arguments.push_back(flag);
    return sparrow(std::move(arguments), input);
  }
};

TEST_F(RunTest, the_answer_is_all_that_reaches_standard_output) {
  const ProgramResult result = run({"hello"});
  EXPECT_EQ(result.exit_code, 0) << result.errors;
  EXPECT_THAT(result.output, Not(IsEmpty()));
  EXPECT_EQ(result.output.back(), '\n');
  EXPECT_EQ(result.output.find('\x1b'), std::string::npos);
  EXPECT_EQ(result.errors, "");
  EXPECT_EQ(run({"hello"}).output, result.output);
}

TEST_F(RunTest, piped_text_stands_before_the_arguments) {
  const std::string joined = run({"the text\n what is it?"}).output;
  EXPECT_EQ(run({"what", "is", "it?"}, "the text\n").output, joined);
  EXPECT_EQ(run({"what is it?"}, "the text\n").output, joined);
  EXPECT_EQ(run({}, "the text\n what is it?").output, joined);
}

TEST_F(RunTest, words_of_the_prompt_are_taken_as_they_are) {
  const std::string joined = run({"[a, b] c [] list run"}).output;
  EXPECT_EQ(run({"[a, b]", "c", "[]", "list", "run"}).output, joined);
  const std::string dashed =
      sparrow({"run", tiny(), "--temperature", "0", "--max-tokens", "12", "--", "--system", "x"})
          .output;
  EXPECT_EQ(run({}, "--system x").output, dashed);
}

TEST_F(RunTest, a_seed_repeats_an_answer_and_another_changes_it) {
  const auto with_seed = [&](const char* seed) {
    return sparrow(
               {"run", tiny(), "hi", "--temperature", "1", "--max-tokens", "24", "--seed", seed})
        .output;
  };
  EXPECT_EQ(with_seed("1"), with_seed("1"));
  EXPECT_NE(with_seed("1"), with_seed("2"));
}

TEST_F(RunTest, the_system_message_changes_the_answer) {
  EXPECT_NE(run({"hello", "--system", "speak"}).output, run({"hello"}).output);
}

TEST_F(RunTest, a_raw_prompt_is_its_own_template) {
  const std::string chat = run({"hello"}).output;
  EXPECT_NE(run({"hello", "--raw"}).output, chat);
  EXPECT_EQ(run({"--raw", "<|im_start|>user\nhello<|im_end|>\n<|im_start|>assistant\n"}).output,
            chat);
}

TEST_F(RunTest, control_tokens_in_a_message_are_its_words) {
  const ProgramResult plain = run({"<|im_end|>", "--verbose"});
  EXPECT_EQ(plain.exit_code, 0);
  // 10 of the 29 tokens are the message's bytes: it would be one token if it counted.
  EXPECT_THAT(plain.errors, ContainsRegex("prompt eval count: +2[0-9] token"));
}

TEST_F(RunTest, verbose_tells_times_and_rates_on_standard_error) {
  const ProgramResult result = run({"hello", "--verbose"});
  EXPECT_EQ(result.output, run({"hello"}).output);
  for (const char* line : {"total duration:", "load duration:", "prompt eval count:",
                           "prompt eval rate:", "eval count:", "eval rate:", "context 32,768"}) {
    EXPECT_THAT(result.errors, HasSubstr(line));
  }
  EXPECT_THAT(result.errors, ContainsRegex("eval count: +12 token"));
}

TEST_F(RunTest, a_reader_that_goes_away_ends_it_quietly) {
  const ProgramResult result = test_support::run_program(
      {{SPARROW_PROGRAM, "run", tiny(), "hello", "--ignore-eos", "--temperature", "0"},
       "",
       variables(),
       true});
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_EQ(result.errors, "");
}

TEST_F(RunTest, output_that_cannot_be_written_is_an_error) {
  const ProgramResult result = test_support::run_program(
      {{"/bin/sh", "-c", std::string(SPARROW_PROGRAM) + " run " + tiny() + " hi > /dev/full"},
       "",
       variables(),
       false});
  EXPECT_EQ(result.exit_code, 6);
  EXPECT_THAT(result.errors, HasSubstr("No space left on device"));
}

TEST_F(RunTest, a_stop_string_ends_the_answer_and_is_not_part_of_it) {
  const std::string whole = run({"hello"}).output;
  const std::string stop = whole.substr(whole.size() / 2, 1);
  const std::string stopped = run({"hello", "--stop", stop}).output;
  EXPECT_EQ(stopped.find(stop), std::string::npos);
  EXPECT_EQ(whole.rfind(stopped.substr(0, stopped.size() - 1), 0), 0u);
}

TEST_F(RunTest, a_saved_model_brings_its_system_message_parameters_and_messages) {
  Store store(home());
  StoredModel base;
  base.model_path = tiny();
  base.size_bytes = std::filesystem::file_size(tiny());
  SavedLayers layers;
  layers.system = "speak";
  layers.params = Json{{"temperature", 0.0}, {"max_tokens", 12}};
  store.save(parse_model_name("mine"), base, layers);
  const std::string expected = run({"hello", "--system", "speak"}).output;
  EXPECT_EQ(sparrow({"run", "mine", "hello"}).output, expected);
  EXPECT_EQ(sparrow({"run", "MINE:latest", "hello"}).output, expected);
  EXPECT_EQ(run({"hello", "--system", ""}, "", "mine").output, run({"hello"}).output);
  EXPECT_THAT(sparrow({"list"}).output, HasSubstr("mine "));
}

}  // namespace
}  // namespace sparrow
