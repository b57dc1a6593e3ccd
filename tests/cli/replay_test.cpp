// Receipts written by `sparrow run` and made good by `sparrow replay`.
#include <gmock/gmock.h>

#include "base/json.h"
#include "tests/cli/cli_case.h"

namespace sparrow {
namespace {

using test_support::ProgramResult;
using testing::HasSubstr;

class ReplayCommandTest : public CliTest {
 protected:
  std::string receipts() const { return folder_.file("receipts.jsonl"); }

  ProgramResult ask(const std::string& prompt) const {
    return sparrow({"run", tiny(), "--receipt", receipts(), "--max-tokens", "12", "--temperature",
                    "1.2", "--ignore-eos", "--kv-type", "bf16", prompt});
  }
  ProgramResult replay() const { return sparrow({"replay", receipts(), "--model", tiny()}); }
};

TEST_F(ReplayCommandTest, every_answer_comes_out_the_same) {
  EXPECT_EQ(ask("one").exit_code, 0);
  EXPECT_EQ(ask("another").exit_code, 0);
  const ProgramResult result = replay();
  EXPECT_EQ(result.exit_code, 0) << result.errors;
  EXPECT_EQ(result.output, "line 1: the same 12 tokens\nline 2: the same 12 tokens\n");
}

TEST_F(ReplayCommandTest, one_that_differs_is_told_and_ends_with_code_1) {
  ask("one");
  std::ifstream file(receipts());
  Json receipt = Json::parse(file);
  receipt["params"]["seed"] = receipt["params"]["seed"].get<int64_t>() ^ 1;
  std::ofstream(receipts()) << receipt.dump();
  const ProgramResult result = replay();
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.output, HasSubstr("line 1: differs from token "));
}

TEST_F(ReplayCommandTest, what_is_no_receipt_is_refused_with_its_line) {
  ask("one");
  std::ofstream(receipts(), std::ios::app) << "{}\n";
  const ProgramResult result = replay();
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.errors, HasSubstr("line 2: a receipt has a member 'receipt'"));
  EXPECT_EQ(sparrow({"replay", folder_.file("none")}).exit_code, 3);
}

TEST_F(ReplayCommandTest, a_receipt_that_cannot_be_written_is_an_error) {
  const ProgramResult result =
      sparrow({"run", tiny(), "--receipt", "/nowhere/r", "--max-tokens", "1", "hi"});
  EXPECT_EQ(result.exit_code, 6);
  EXPECT_THAT(result.errors, HasSubstr("cannot write the receipt to /nowhere/r"));
}

}  // namespace
}  // namespace sparrow
