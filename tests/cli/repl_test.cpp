// The chat in a terminal of its own, as somebody types into it.
#include <gmock/gmock.h>
#include <signal.h>

#include "store/store.h"
#include "tests/cli/cli_case.h"

namespace sparrow {
namespace {

using test_support::Terminal;
using testing::HasSubstr;
using testing::Not;

constexpr std::string_view kPrompt = ">>> ";

class ReplTest : public CliTest {
 protected:
  std::vector<std::string> call(std::vector<std::string> more = {}) const {
    std::vector<std::string> arguments = {SPARROW_PROGRAM, "run", tiny(), "--temperature", "0"};
    if (more.empty()) more = {"--max-tokens", "4"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return arguments;
  }
};

TEST_F(ReplTest, says_what_it_runs_and_leaves_with_bye) {
  Terminal terminal(call(), variables());
  EXPECT_TRUE(terminal.wait_for("tiny.gguf ("));
  EXPECT_TRUE(terminal.wait_for("context 32,768 tokens"));
  EXPECT_TRUE(terminal.wait_for(kPrompt));
  terminal.type("/bye\r");
  EXPECT_EQ(terminal.exit_code(), 0);
}

TEST_F(ReplTest, ctrl_d_on_an_empty_line_leaves) {
  Terminal terminal(call(), variables());
  EXPECT_TRUE(terminal.wait_for(kPrompt));
  terminal.type("\x04");
  EXPECT_EQ(terminal.exit_code(), 0);
}

TEST_F(ReplTest, answers_and_asks_again) {
  Terminal terminal(call({"--max-tokens", "4", "--verbose"}), variables());
  ASSERT_TRUE(terminal.wait_for(kPrompt));
  terminal.type("hello\r");
  EXPECT_TRUE(terminal.wait_for("eval count:"));
  EXPECT_TRUE(terminal.wait_for(kPrompt));
  // The talk so far is in the cache: only what is new is computed.
  terminal.type("and then?\r");
  EXPECT_TRUE(terminal.wait_for("of them from the cache"));
  EXPECT_TRUE(terminal.wait_for(kPrompt));
  terminal.type("/bye\r");
  EXPECT_EQ(terminal.exit_code(), 0);
}

TEST_F(ReplTest, ctrl_c_clears_the_line_and_stops_the_answer_but_not_the_program) {
  Terminal terminal(call({"--ignore-eos", "--verbose"}), variables());
  ASSERT_TRUE(terminal.wait_for(kPrompt));
  terminal.type("\x03");
  EXPECT_TRUE(terminal.wait_for("Use Ctrl-D or /bye to leave."));
  ASSERT_TRUE(terminal.wait_for(kPrompt));
  terminal.type("half a line\x03");
  ASSERT_TRUE(terminal.wait_for(kPrompt));
  // An answer of 32,000 tokens if nobody stopped it.
  terminal.type("hello\r");
  ASSERT_TRUE(terminal.wait_for("\r\n"));
  ASSERT_TRUE(terminal.wait_for("\r\n"));
  terminal.type("\x03");
  EXPECT_TRUE(terminal.wait_for("total duration:"));
  ASSERT_TRUE(terminal.wait_for(kPrompt));
  terminal.type("/bye\r");
  EXPECT_EQ(terminal.exit_code(), 0);
  EXPECT_THAT(terminal.transcript(), Not(HasSubstr("half a line\r\n\r\n>>> half")));
}

TEST_F(ReplTest, a_block_in_three_quotes_is_one_message) {
  Terminal terminal(call(), variables());
  ASSERT_TRUE(terminal.wait_for(kPrompt));
  terminal.type("\"\"\"first\r");
  EXPECT_TRUE(terminal.wait_for("... "));
  terminal.type("/bye\r");
  EXPECT_TRUE(terminal.wait_for("... "));
  terminal.type("last\"\"\"\r");
  ASSERT_TRUE(terminal.wait_for(kPrompt));
  terminal.type("/save talk\r");
  EXPECT_TRUE(terminal.wait_for("Created new model 'talk'"));
  terminal.type("/bye\r");
  EXPECT_EQ(terminal.exit_code(), 0);
  const std::optional<StoredModel> saved = Store(home()).find(parse_model_name("talk"));
  ASSERT_TRUE(saved);
  ASSERT_EQ(saved->messages.size(), 2u);
  EXPECT_EQ(saved->messages[0]["content"], "first\n/bye\nlast");
  EXPECT_EQ(saved->messages[1]["role"], "assistant");
}

TEST_F(ReplTest, wide_characters_are_edited_as_one) {
  Terminal terminal(call(), variables());
  ASSERT_TRUE(terminal.wait_for(kPrompt));
  // A wrong character is deleted, then the cursor goes back over two wide ones.
  terminal.type("量子计x\x7f\x1b[D\x1b[D—\r");
  ASSERT_TRUE(terminal.wait_for(kPrompt));
  terminal.type("/save talk\r");
  EXPECT_TRUE(terminal.wait_for("Created new model"));
  terminal.type("\x04");
  EXPECT_EQ(terminal.exit_code(), 0);
  const std::optional<StoredModel> saved = Store(home()).find(parse_model_name("talk"));
  ASSERT_TRUE(saved);
  EXPECT_EQ(saved->messages[0]["content"], "量—子计");
}

TEST_F(ReplTest, pasted_lines_are_one_message) {
  Terminal terminal(call(), variables());
  ASSERT_TRUE(terminal.wait_for(kPrompt));
  terminal.type("\x1b[200~one\rtwo\x07\r/bye\x1b[201~");
  EXPECT_TRUE(terminal.wait_for("/bye"));
  terminal.type("\r");
  ASSERT_TRUE(terminal.wait_for(kPrompt));
  terminal.type("/save talk\r");
  EXPECT_TRUE(terminal.wait_for("Created new model"));
  terminal.type("\x04");
  EXPECT_EQ(terminal.exit_code(), 0);
  const std::optional<StoredModel> saved = Store(home()).find(parse_model_name("talk"));
  ASSERT_TRUE(saved);
  EXPECT_EQ(saved->messages[0]["content"], "one\ntwo\uFFFD\n/bye");
}

TEST_F(ReplTest, what_is_set_is_shown_and_saved) {
  Terminal terminal(call(), variables());
  const auto say = [&](const std::string& line, const std::string& answer) {
    ASSERT_TRUE(terminal.wait_for(kPrompt));
    terminal.type(line + "\r");
    EXPECT_TRUE(terminal.wait_for(answer)) << line;
  };
  say("/set parameter temperature 0.25", "Set parameter 'temperature' to '0.25'");
  say("/set parameter num_predict 3", "Set parameter 'num_predict' (max_tokens here) to '3'");
  say("/set seed 7", "Set parameter 'seed' to '7'");
  say("/set parameter top_p 1.7", "Error: top_p must be in (0, 1], got 1.7");
  say("/set parameter num_ctx 4096", "context 4,096 tokens");
  say("/set system You are a poet.", "Set system message.");
  say("/set format json", "constrained decoding");
  say("/set nowordwrap", "Set 'nowordwrap' mode.");
  say("/set nonsense", "Unknown command '/set nonsense'. Type /? for help");
  say("/nonsense", "Unknown command '/nonsense'. Type /? for help");
  say("/show parameters", "0.25");
  say("/show system", "You are a poet.");
  say("/show template", "<|im_start|>");
  say("/show license", "No license");
  say("/show info", "qwen2");
  say("/?", "Available Commands:");
  say("/clear", "Cleared session context");
  say("/save Poet", "Created new model 'Poet'");
  say("/list", "Poet");
  say("/bye", "");
  EXPECT_EQ(terminal.exit_code(), 0);
  const std::optional<StoredModel> saved = Store(home()).find(parse_model_name("poet"));
  ASSERT_TRUE(saved);
  EXPECT_EQ(saved->system, "You are a poet.");
  EXPECT_EQ(saved->params["temperature"], 0.25);
  EXPECT_EQ(saved->params["max_tokens"], 3);
  EXPECT_EQ(saved->params["seed"], 7);
  EXPECT_EQ(saved->params["context"], 4096);
}

TEST_F(ReplTest, another_model_is_loaded_and_a_wrong_one_changes_nothing) {
  Terminal terminal(call(), variables());
  const auto say = [&](const std::string& line, const std::string& answer) {
    ASSERT_TRUE(terminal.wait_for(kPrompt));
    terminal.type(line + "\r");
    EXPECT_TRUE(terminal.wait_for(answer)) << line;
  };
  say("remember me", "\r\n");
  say("/save talk", "Created new model 'talk'");
  say("/load nothing-like-this", "Error: there is no model 'nothing-like-this'");
  write_test_file(folder_.file("broken.gguf"), "GGUF and nothing else");
  say("/load " + folder_.file("broken.gguf"), "Error: ");
  say("/load talk", "Loading model 'talk'");
  EXPECT_TRUE(terminal.wait_for(">>> remember me"));
  say("and now?", "\r\n");
  say("/bye", "");
  EXPECT_EQ(terminal.exit_code(), 0);
}

TEST_F(ReplTest, a_talk_that_outgrows_its_context_says_what_is_kept) {
  Terminal terminal(call({"--max-tokens", "30", "--context", "256", "--ignore-eos"}), variables());
  outgrow_context(terminal, "Error: the message has");
}

TEST_F(ReplTest, what_was_typed_is_there_the_next_time) {
  {
    Terminal terminal(call(), variables());
    ASSERT_TRUE(terminal.wait_for(kPrompt));
    terminal.type("/set system 你好\r");
    ASSERT_TRUE(terminal.wait_for(kPrompt));
    terminal.type("/bye\r");
    EXPECT_EQ(terminal.exit_code(), 0);
  }
  Terminal terminal(call(), variables());
  ASSERT_TRUE(terminal.wait_for(kPrompt));
  terminal.type("\x1b[A\x1b[A");
  EXPECT_TRUE(terminal.wait_for("set system 你好"));
  terminal.type("\r");
  EXPECT_TRUE(terminal.wait_for("Set system message."));
  terminal.type("\x04");
  EXPECT_EQ(terminal.exit_code(), 0);
}

TEST_F(ReplTest, a_plain_terminal_gets_no_colours) {
  std::vector<std::string> plain = variables();
  plain.push_back("NO_COLOR=1");
  Terminal terminal(call(), plain);
  ASSERT_TRUE(terminal.wait_for(kPrompt));
  terminal.type("hi\r");
  ASSERT_TRUE(terminal.wait_for(kPrompt));
  terminal.type("/bye\r");
  EXPECT_EQ(terminal.exit_code(), 0);
  EXPECT_THAT(terminal.transcript(), Not(testing::ContainsRegex("\x1b\\[[0-9;]*m")));
}

TEST_F(ReplTest, lines_are_wrapped_at_the_terminal_s_edge) {
  Terminal terminal(call({"--max-tokens", "400", "--ignore-eos"}), variables(), 30, 24);
  ASSERT_TRUE(terminal.wait_for(kPrompt));
  terminal.type("hello\r");
  ASSERT_TRUE(terminal.wait_for("\r\n\r\n"));
  terminal.resize(60, 24);
  ASSERT_TRUE(terminal.wait_for(kPrompt));
  terminal.type("/bye\r");
  EXPECT_EQ(terminal.exit_code(), 0);
}

}  // namespace
}  // namespace sparrow
