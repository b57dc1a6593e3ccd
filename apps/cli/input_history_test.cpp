#include "apps/cli/input_history.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/test_folder.h"

namespace sparrow::cli {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(InputHistory, entries_come_back_in_order_whatever_stands_in_them) {
  const TestFolder folder;
  const std::string path = folder.file("home/history");
  {
    InputHistory history(path);
    history.add("你好");
    history.add("two\nlines \\n");
    history.add("two\nlines \\n");
    history.add("");
  }
  EXPECT_THAT(InputHistory(path).entries(), ElementsAre("你好", "two\nlines \\n"));
}

TEST(InputHistory, only_the_newest_are_kept_and_the_file_does_not_grow_for_ever) {
  const TestFolder folder;
  const std::string path = folder.file("history");
  std::string text;
  for (int i = 0; i < 2500; ++i) text += std::to_string(i) + "\n";
  write_test_file(path, text);
  const InputHistory history(path);
  EXPECT_EQ(history.entries().size(), InputHistory::kMaxEntries);
  EXPECT_EQ(history.entries().back(), "2499");
  EXPECT_LT(read_test_file(path).size(), 6000u);
  EXPECT_EQ(InputHistory(path).entries(), history.entries());
}

TEST(InputHistory, nobody_else_may_read_it) {
  const TestFolder folder;
  InputHistory(folder.file("history")).add("secret");
  const auto permissions = std::filesystem::status(folder.file("history")).permissions();
  EXPECT_EQ(permissions & std::filesystem::perms::others_all, std::filesystem::perms::none);
  EXPECT_EQ(permissions & std::filesystem::perms::group_all, std::filesystem::perms::none);
}

TEST(InputHistory, a_file_that_cannot_be_read_or_written_is_an_empty_history) {
  const TestFolder folder;
  InputHistory history(folder.path());
  EXPECT_THAT(history.entries(), IsEmpty());
  history.add("a");
  EXPECT_THAT(history.entries(), ElementsAre("a"));
}

}  // namespace
}  // namespace sparrow::cli
