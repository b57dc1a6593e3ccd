#include "engine/bad_words.h"

#include <gtest/gtest.h>

#include "tests/support/fake_tokenizer.h"

namespace sparrow {
namespace {

using Strings = std::vector<std::string>;
using Words = std::vector<std::vector<TokenId>>;

TEST(BadWords, stand_by_themselves_and_after_a_space) {
  //                                           0      1       2    3     4
  const test_support::FakeTokenizer tokenizer({"cat", " cat", "s", " ", "dog"});
  EXPECT_EQ(resolve_bad_words(tokenizer, Strings{"cat"}), (Words{{0}, {1}}));
  EXPECT_EQ(resolve_bad_words(tokenizer, Strings{" cats"}), (Words{{0, 2}, {1, 2}}));
  // " dog" is "dog" after a space of its own: banning that one would be no other word.
  EXPECT_EQ(resolve_bad_words(tokenizer, Strings{"dog"}), (Words{{4}}));
  EXPECT_EQ(resolve_bad_words(tokenizer, Strings{" "}), (Words{{3}}));
}

}  // namespace
}  // namespace sparrow
