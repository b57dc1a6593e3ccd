#include "apps/cli/repl_command.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sparrow::cli {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

void expect(std::string_view line, ReplVerb verb, std::string_view text = {}, bool is_on = true) {
  const ReplCommand command = parse_repl_command(line);
  EXPECT_EQ(command.verb, verb) << line;
  EXPECT_EQ(command.text, text) << line;
  EXPECT_EQ(command.is_on, is_on) << line;
}

TEST(ReplCommand, knows_the_commands_of_ollama) {
  expect("/bye", ReplVerb::bye);
  expect("/exit", ReplVerb::bye);
  expect("  /bye  ", ReplVerb::bye);
  expect("/clear", ReplVerb::clear);
  expect("/list", ReplVerb::list);
  expect("/?", ReplVerb::help);
  expect("/help", ReplVerb::help);
  expect("/? set", ReplVerb::help, "set");
  expect("/? /show", ReplVerb::help, "show");
  expect("/help shortcuts", ReplVerb::help, "shortcuts");
  expect("/load qwen2.5-coder:1.5b", ReplVerb::load, "qwen2.5-coder:1.5b");
  expect("/save  mine", ReplVerb::save, "mine");
  expect("/show info", ReplVerb::show, "info");
  expect("/show", ReplVerb::help, "show");
  expect("/set", ReplVerb::help, "set");
  expect("/set verbose", ReplVerb::set_verbose);
  expect("/set quiet", ReplVerb::set_verbose, "", false);
  expect("/set history", ReplVerb::set_history);
  expect("/set nohistory", ReplVerb::set_history, "", false);
  expect("/set wordwrap", ReplVerb::set_wordwrap);
  expect("/set nowordwrap", ReplVerb::set_wordwrap, "", false);
  expect("/set format json", ReplVerb::set_format, "json");
  expect("/set noformat", ReplVerb::set_format, "", false);
}

TEST(ReplCommand, a_system_message_is_the_rest_of_the_line) {
  expect("/set system You are  a pirate.", ReplVerb::set_system, "You are  a pirate.");
  expect("/set system \"\"", ReplVerb::set_system, "");
  expect("/set system 你是诗人", ReplVerb::set_system, "你是诗人");
}

TEST(ReplCommand, parameters_take_one_value_or_a_list) {
  ReplCommand command = parse_repl_command("/set parameter temperature 0.5");
  EXPECT_EQ(command.verb, ReplVerb::set_parameter);
  EXPECT_EQ(command.text, "temperature");
  EXPECT_THAT(command.values, ElementsAre("0.5"));
  command = parse_repl_command(R"(/set parameter stop "a b" c "\n\"")");
  EXPECT_THAT(command.values, ElementsAre("a b", "c", "\n\""));
  command = parse_repl_command("/set seed 7");
  EXPECT_EQ(command.verb, ReplVerb::set_parameter);
  EXPECT_EQ(command.text, "seed");
  EXPECT_THAT(command.values, ElementsAre("7"));
  expect("/set parameter", ReplVerb::help, "parameters");
  expect("/set parameter temperature", ReplVerb::help, "parameters");
}

TEST(ReplCommand, a_wrong_number_of_words_says_what_is_right) {
  expect("/load", ReplVerb::usage, "/load MODEL");
  expect("/load a b", ReplVerb::usage, "/load MODEL");
  expect("/save", ReplVerb::usage, "/save MODEL");
  expect("/set seed", ReplVerb::usage, "/set seed NUMBER");
  EXPECT_EQ(parse_repl_command("/set system").verb, ReplVerb::usage);
}

TEST(ReplCommand, unknown_commands_are_named) {
  expect("/foo bar", ReplVerb::unknown, "/foo");
  expect("/set foo 1", ReplVerb::unknown, "/set foo");
  expect("/byebye", ReplVerb::unknown, "/byebye");
}

TEST(ReplCommand, paths_comments_and_pasted_text_are_messages) {
  for (const char* text : {"hello", "/", "/usr/bin/env is what?", "// a comment", "/* a comment */",
                           "/bye\nand more", "/2 is half", ""}) {
    expect(text, ReplVerb::message, text);
  }
}

TEST(SplitWords, keeps_what_quotes_hold) {
  EXPECT_THAT(split_words("a  b\tc"), ElementsAre("a", "b", "c"));
  EXPECT_THAT(split_words("\"\""), ElementsAre(""));
  EXPECT_THAT(split_words("a\"b c\"d"), ElementsAre("ab cd"));
  EXPECT_THAT(split_words("\"open end"), ElementsAre("open end"));
  EXPECT_THAT(split_words("\"\\"), ElementsAre("\\"));
  EXPECT_THAT(split_words("  "), IsEmpty());
}

TEST(MultilineReader, gathers_a_block) {
  MultilineReader reader;
  EXPECT_FALSE(reader.push("\"\"\"first"));
  EXPECT_TRUE(reader.is_open());
  EXPECT_FALSE(reader.push("  /bye"));
  EXPECT_FALSE(reader.push(""));
  const std::optional<ReplCommand> command = reader.push("last\"\"\"");
  ASSERT_TRUE(command);
  EXPECT_EQ(command->verb, ReplVerb::message);
  EXPECT_EQ(command->text, "first\n  /bye\n\nlast");
  EXPECT_FALSE(reader.is_open());
}

TEST(MultilineReader, quotes_on_lines_of_their_own_add_no_empty_lines) {
  MultilineReader reader;
  EXPECT_FALSE(reader.push("\"\"\""));
  EXPECT_FALSE(reader.push("a"));
  EXPECT_FALSE(reader.push("b"));
  EXPECT_EQ(reader.push("\"\"\"")->text, "a\nb");
}

TEST(MultilineReader, a_block_may_be_one_line) {
  MultilineReader reader;
  EXPECT_EQ(reader.push("\"\"\"/bye\"\"\"")->text, "/bye");
  EXPECT_EQ(reader.push("\"\"\"/bye\"\"\"")->verb, ReplVerb::message);
  EXPECT_FALSE(reader.is_open());
  EXPECT_FALSE(reader.push("\"\"\""));
  EXPECT_EQ(reader.push("\"\"\"")->text, "");
}

TEST(MultilineReader, a_system_message_may_be_a_block) {
  MultilineReader reader;
  EXPECT_FALSE(reader.push("/set system \"\"\"You are"));
  const std::optional<ReplCommand> command = reader.push("a poet.\"\"\"");
  ASSERT_TRUE(command);
  EXPECT_EQ(command->verb, ReplVerb::set_system);
  EXPECT_EQ(command->text, "You are\na poet.");
  EXPECT_EQ(reader.push("\"\"\"x\"\"\"")->verb, ReplVerb::message);
}

TEST(MultilineReader, a_reset_forgets_the_open_block) {
  MultilineReader reader;
  EXPECT_FALSE(reader.push("\"\"\"lost"));
  reader.reset();
  EXPECT_FALSE(reader.is_open());
  EXPECT_EQ(reader.push("hello")->text, "hello");
}

}  // namespace
}  // namespace sparrow::cli
