#include "engine/dry_breakers.h"

#include <gtest/gtest.h>

#include "tests/support/fake_tokenizer.h"

namespace sparrow {
namespace {

using Strings = std::vector<std::string>;
using Ids = std::vector<int32_t>;

TEST(DryBreakers, are_all_tokens_that_hold_one) {
  const test_support::FakeTokenizer tokenizer({"a", ":", "x: y", "\n\n", "b", "<end>"}, {5});
  const DryBreakers breakers = resolve_dry_breakers(tokenizer, Strings{"\n", ":"});
  EXPECT_EQ(breakers.tokens, (Ids{1, 2, 3}));
  EXPECT_TRUE(breakers.sequences.empty());
}

TEST(DryBreakers, that_tokens_share_become_sequences) {
  //                                           0     1      2     3    4    5
  const test_support::FakeTokenizer tokenizer({"U", "xUs", "er", "s", ":", "User:"});
  const DryBreakers breakers = resolve_dry_breakers(tokenizer, Strings{"User:"});
  EXPECT_EQ(breakers.tokens, Ids{5});
  EXPECT_EQ(breakers.sequences, (std::vector<Ids>{{0, 3, 2, 4}, {1, 2, 4}}));
}

TEST(DryBreakers, of_characters_that_are_no_token_are_the_tokens_of_their_bytes) {
  const test_support::FakeTokenizer tokenizer({"\xe7", "\xad", "\x94", "x"});
  const DryBreakers breakers = resolve_dry_breakers(tokenizer, Strings{"\xe7\xad\x94"});
  EXPECT_TRUE(breakers.tokens.empty());
  EXPECT_EQ(breakers.sequences, (std::vector<Ids>{{0, 1, 2}}));
}

}  // namespace
}  // namespace sparrow
