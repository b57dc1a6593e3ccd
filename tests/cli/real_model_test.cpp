// SmolLM2-135M through the whole program: scripts/test gets it once, into SPARROW_TEST_HOME.
#include <gmock/gmock.h>

#include "base/config_env.h"
#include "tests/cli/cli_case.h"

namespace sparrow {
namespace {

using test_support::ProgramResult;
using testing::HasSubstr;

// The home with the model; none where it was not fetched.
std::vector<std::string> model_homes() {
  const std::optional<std::string> home = config_env("SPARROW_TEST_HOME");
  return home ? std::vector<std::string>{*home} : std::vector<std::string>{};
}

class RealModelTest : public testing::TestWithParam<std::string> {
 protected:
  ProgramResult sparrow(std::vector<std::string> arguments, const std::string& input = {}) const {
    arguments.insert(arguments.begin(), SPARROW_PROGRAM);
    return test_support::run_program({std::move(arguments),
                                      input,
                                      {"SPARROW_HOME=" + GetParam(), "SPARROW_NO_SERVER=1"},
                                      false});
  }
};
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(RealModelTest);
INSTANTIATE_TEST_SUITE_P(SmolLM2, RealModelTest, testing::ValuesIn(model_homes()),
                         [](const auto&) { return "135M"; });

TEST_P(RealModelTest, answers_a_question) {
  // Without the last sentence two first words are so near that rounding decides between them.
  const ProgramResult result =
      sparrow({"run", "SmolLM2:135M", "What is the capital of France? Answer in one word.",
               "--temperature", "0", "--max-tokens", "24"});
  EXPECT_EQ(result.exit_code, 0) << result.errors;
  EXPECT_THAT(result.output, HasSubstr("Paris"));
}

TEST_P(RealModelTest, continues_a_raw_text) {
  const ProgramResult result = sparrow({"run", "HuggingFaceTB/SmolLM2-135M-Instruct", "--raw",
                                        "--temperature", "0", "--max-tokens", "8"},
                                       "The capital of France is");
  EXPECT_EQ(result.exit_code, 0) << result.errors;
  EXPECT_THAT(result.output, HasSubstr("Paris"));
}

TEST_P(RealModelTest, stands_in_the_list) {
  const ProgramResult result = sparrow({"list"});
  EXPECT_THAT(result.output, HasSubstr("smollm2:135m"));
  EXPECT_THAT(result.output, HasSubstr("98 MB"));
}

}  // namespace
}  // namespace sparrow
