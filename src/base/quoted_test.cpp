#include "base/quoted.h"

#include <gtest/gtest.h>

namespace sparrow {
namespace {

TEST(Quoted, spells_out_what_a_terminal_must_not_see) {
  EXPECT_EQ(quoted_text("a b"), "'a b'");
  EXPECT_EQ(quoted_text("你好"), "'你好'");
  EXPECT_EQ(quoted_text("\x1b[2J\n"), "'\\x1b[2J\\x0a'");
  EXPECT_EQ(quoted_text("\u0085"), "'\\xc2\\x85'");
  EXPECT_EQ(quoted_text("\xFF你"), "'\\xff\\xe4\\xbd\\xa0'");
  EXPECT_EQ(quoted_text("\xC2"), "'\\xc2'");
}

TEST(Quoted, cuts_long_text_at_a_character) {
  EXPECT_EQ(quoted_text(std::string(96, 'x')), "'" + std::string(96, 'x') + "'");
  EXPECT_EQ(quoted_text(std::string(97, 'x')), "'" + std::string(96, 'x') + "…'");
  EXPECT_EQ(quoted_text(std::string(95, 'x') + "你"), "'" + std::string(95, 'x') + "…'");
}

}  // namespace
}  // namespace sparrow
