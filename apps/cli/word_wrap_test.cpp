#include "apps/cli/word_wrap.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>
#include <vector>

#include "apps/cli/display_text.h"

namespace sparrow::cli {
namespace {

std::string wrap(std::string_view text, int columns) {
  WordWrapper wrapper([columns] { return columns; });
  std::string out = wrapper.push(text);
  return out += wrapper.finish();
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

// Byte for byte the given text, but for the line breaks and the spaces at them.
std::string without_white_space(std::string text) {
  std::erase_if(text, [](char c) { return c == ' ' || c == '\n'; });
  return text;
}

TEST(WordWrap, breaks_between_words_before_the_last_column) {
  EXPECT_EQ(wrap("the quick brown fox jumps", 12), "the quick\nbrown fox\njumps");
  EXPECT_EQ(wrap("the quick b", 12), "the quick b");  // 11 of 12 columns
  EXPECT_EQ(wrap("the quick br", 12), "the quick\nbr");
}

TEST(WordWrap, keeps_the_text_s_own_lines_and_indentation) {
  EXPECT_EQ(wrap("a\n\n    b = 1\n\tc", 40), "a\n\n    b = 1\n\tc");
  EXPECT_EQ(wrap("one  two", 40), "one  two");
}

TEST(WordWrap, wide_characters_count_twice_and_break_anywhere) {
  EXPECT_EQ(wrap("量子计算是一种计算方式", 12), "量子计算是\n一种计算方\n式");
}

TEST(WordWrap, a_line_begins_with_no_closing_mark_and_ends_with_no_opening_one) {
  EXPECT_EQ(wrap("量子计算是，很好", 12), "量子计算\n是，很好");
  EXPECT_EQ(wrap("量子计算（是", 12), "量子计算\n（是");
}

TEST(WordWrap, latin_words_inside_chinese_stay_whole) {
  EXPECT_EQ(wrap("我们用hello说话", 12), "我们用hello\n说话");
  EXPECT_EQ(wrap("我们都用hello", 12), "我们都用\nhello");
}

TEST(WordWrap, a_word_longer_than_a_line_is_cut_at_the_line_s_end) {
  const std::vector<std::string> lines = lines_of(wrap("see " + std::string(50, 'x'), 20));
  EXPECT_EQ(lines, (std::vector<std::string>{"see", std::string(19, 'x'), std::string(19, 'x'),
                                             std::string(12, 'x')}));
}

TEST(WordWrap, marks_and_joined_emoji_are_never_parted_from_what_they_stand_on) {
  const std::string family = "👨‍👩‍👧";
  const std::string accent = "e\xCC\x81";
  for (int columns = 10; columns < 30; ++columns) {
    std::string text;
    for (int i = 0; i < 10; ++i) text += family + accent + "🇨🇳";
    const std::string wrapped = wrap(text, columns);
    EXPECT_EQ(without_white_space(wrapped), text);
    for (const std::string& line : lines_of(wrapped)) {
      EXPECT_FALSE(line.starts_with("\xCC\x81") || line.starts_with("\xE2\x80\x8D")) << line;
    }
  }
}

TEST(WordWrap, every_cut_of_the_stream_gives_the_same_lines_that_all_fit) {
  const std::string text =
      "Quantum computing（量子计算）uses \"qubits\"，它们可以 be 0 and 1 at once. 🚀🚀 Données: "
      "été, "
      "ﬁn.\n\n- https://example.org/a/very/long/path/that/never/ends\n";
  for (int columns = 10; columns < 90; columns += 7) {
    const std::string whole = wrap(text, columns);
    EXPECT_EQ(without_white_space(whole), without_white_space(text));
    for (const std::string& line : lines_of(whole)) EXPECT_LT(display_columns(line), columns);
    WordWrapper wrapper([columns] { return columns; });
    std::string pieces;
    for (std::string_view rest = text; !rest.empty();) {
      const size_t size = first_cluster(rest).bytes.size();
      pieces += wrapper.push(rest.substr(0, size));
      rest.remove_prefix(size);
    }
    EXPECT_EQ(pieces + wrapper.finish(), whole);
  }
}

TEST(WordWrap, a_terminal_made_narrower_under_way_is_noticed) {
  int columns = 80;
  WordWrapper wrapper([&columns] { return columns; });
  std::string out = wrapper.push("one two three four ");
  columns = 12;
  out += wrapper.push("five six seven");
  out += wrapper.finish();
  EXPECT_EQ(out, "one two three four\nfive six\nseven");
}

TEST(DisplayText, counts_the_columns_of_a_terminal) {
  EXPECT_EQ(display_columns("abc"), 3);
  EXPECT_EQ(display_columns("量子"), 4);
  EXPECT_EQ(display_columns("e\xCC\x81"), 1);
  EXPECT_EQ(display_columns("🚀"), 2);
  EXPECT_EQ(display_columns("❤️"), 2);
  EXPECT_EQ(display_columns("ｱ"), 1);
  EXPECT_EQ(display_columns(""), 0);
}

TEST(DisplayText, control_characters_never_reach_a_terminal) {
  EXPECT_EQ(without_control_characters("a\x1b]0;title\x07z\n\t"), "a\uFFFD]0;title\uFFFDz\n\t");
  EXPECT_EQ(without_control_characters("\xC2\x9B"), "\uFFFD");  // the one-character form of ESC [
  EXPECT_EQ(without_control_characters("\xFF\xC3(ok"), "\uFFFD\uFFFD(ok");
  EXPECT_EQ(without_control_characters("量\r子"), "量\uFFFD子");
}

TEST(DisplayText, a_message_is_one_line_whatever_stands_in_it) {
  EXPECT_EQ(as_one_line("key 'a\nb\x1b[2J' 量\xFF"), "key 'a\\nb\\x1b[2J' 量\\xff");
}

}  // namespace
}  // namespace sparrow::cli
