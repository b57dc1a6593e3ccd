#include "engine/prefix_cache.h"

#include <gtest/gtest.h>

namespace sparrow {
namespace {

using Ids = std::vector<TokenId>;

class PrefixCacheTest : public testing::Test {
 protected:
  // Keeps a sequence of these tokens in fresh blocks of 4.
  void keep(const Ids& tokens) {
    std::vector<BlockId> blocks;
    pool_.allocate(pool_.blocks_for(static_cast<int64_t>(tokens.size())), blocks);
    cache_.keep(tokens, blocks);
  }
  int64_t take(const Ids& prompt) {
    const PrefixCache::Prefix prefix = cache_.take(prompt);
    pool_.release(prefix.blocks);
    pool_.check();
    return prefix.token_count;
  }

  BlockPool pool_{10, 4};
  PrefixCache cache_{pool_};
};

TEST_F(PrefixCacheTest, gives_the_longest_shared_prefix_once) {
  keep({1, 2, 3, 4, 5});
  keep({1, 2, 3, 9});
  EXPECT_EQ(take({7, 1}), 0);
  EXPECT_EQ(take({1, 2, 3, 4, 6, 7, 8}), 4);
  EXPECT_EQ(take({1, 2, 3, 4, 6, 7, 8}), 3);
  EXPECT_EQ(take({1, 2, 3, 4, 6, 7, 8}), 0);
  EXPECT_EQ(pool_.free_count(), 10);
}

TEST_F(PrefixCacheTest, does_not_give_a_long_talk_away_for_its_first_words) {
  keep({1, 2, 3, 4, 5, 6, 7, 8});
  EXPECT_EQ(take({1, 2, 3, 0}), 0);
  EXPECT_EQ(take({1, 2, 3, 4, 0}), 4);
}

TEST_F(PrefixCacheTest, gives_back_the_oldest_first_when_blocks_are_needed) {
  keep({1, 1, 1, 1, 1});
  keep({2, 2, 2, 2, 2});
  keep({3, 3, 3, 3, 3});
  EXPECT_EQ(pool_.free_count(), 4);
  EXPECT_EQ(cache_.block_count(), 6);
  cache_.make_room(4);
  EXPECT_EQ(cache_.block_count(), 6);
  cache_.make_room(5);
  EXPECT_EQ(pool_.free_count(), 6);
  EXPECT_EQ(take({1, 1, 1, 1, 1}), 0);
  EXPECT_EQ(take({2, 2, 2, 2, 2}), 5);
  cache_.make_room(10);
  EXPECT_EQ(pool_.free_count(), 10);
}

}  // namespace
}  // namespace sparrow
