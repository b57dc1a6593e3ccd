#include "engine/prefix_cache.h"

#include <gtest/gtest.h>

#include <random>

namespace sparrow {
namespace {

using Ids = std::vector<TokenId>;

// Blocks of 4 tokens.
class PrefixCacheTest : public testing::Test {
 protected:
  static constexpr int64_t kSize = 4;

  std::vector<PrefixKey> keys(const Ids& tokens) {
    std::vector<PrefixKey> keys;
    for (size_t i = 0; i + kSize <= tokens.size(); i += kSize)
      keys.push_back(
          cache_.next_key(before(keys, keys.size()), std::span(tokens).subspan(i, kSize)));
    return keys;
  }
  const PrefixKey& before(const std::vector<PrefixKey>& keys, size_t block) const {
    return block == 0 ? root_ : keys[block - 1];
  }
  // A finished sequence of these tokens.
  void keep(const Ids& tokens) {
    const std::vector<PrefixKey> known = keys(tokens);
    std::vector<BlockId> blocks;
    for (size_t i = 0; i < tokens.size(); i += kSize) {
      const BlockId own = cache_.allocate();
      const auto part = std::span(tokens).subspan(i, std::min<size_t>(kSize, tokens.size() - i));
      const size_t block = i / kSize;
      if (block == known.size()) {
        cache_.keep_end(before(known, block), part, own);
        blocks.push_back(own);
        continue;
      }
      const BlockId kept = cache_.keep(before(known, block), known[block], part, own);
      if (kept != own) {
        pool_.share(kept);
        pool_.release(own);
      }
      blocks.push_back(kept);
    }
    for (auto block = blocks.rbegin(); block != blocks.rend(); ++block) pool_.release(*block);
    check();
  }
  // How many of these tokens are found, and in how many full blocks.
  std::pair<int64_t, int64_t> found(const Ids& tokens) {
    const std::vector<PrefixKey> known = keys(tokens);
    size_t full = 0;
    while (full < known.size() &&
           cache_.find(known[full], std::span(tokens).subspan(full * kSize, kSize)))
      ++full;
    const auto rest = std::span(tokens).subspan(full * kSize);
    const auto part = rest.first(std::min<size_t>(kSize, rest.size()));
    const int64_t more = cache_.find_beginning(before(known, full), part).shared_count;
    return {static_cast<int64_t>(full) * kSize + more, static_cast<int64_t>(full)};
  }
  void check() {
    pool_.check();
    cache_.check();
  }

  BlockPool pool_{10, kSize};
  PrefixCache cache_{pool_};
  PrefixKey root_ = cache_.root_key("model");
};

using Found = std::pair<int64_t, int64_t>;

TEST_F(PrefixCacheTest, a_reset_frees_what_nobody_uses_and_leaves_the_rest_to_be_found) {
  const Ids used = {1, 2, 3, 4};
  keep(used);
  keep({5, 6, 7, 8, 9});
  const BlockId block = *cache_.find(keys(used)[0], used);
  pool_.share(block);
  EXPECT_FALSE(cache_.reset());
  check();
  EXPECT_EQ(pool_.idle_count(), 0);
  EXPECT_EQ(pool_.free_count(), 9);
  EXPECT_EQ(found({5, 6, 7, 8, 9}).first, 0);
  EXPECT_EQ(found(used).first, 4);
  pool_.release(block);
  EXPECT_TRUE(cache_.reset());
  check();
  EXPECT_EQ(pool_.free_count(), 10);
  EXPECT_EQ(found(used).first, 0);
}

TEST_F(PrefixCacheTest, finds_the_longest_prefix_to_the_token_in_full_blocks_and_behind_them) {
  keep({1, 2, 3, 4, 5, 6, 7, 8, 9});
  EXPECT_EQ(found({7, 1}), Found(0, 0));
  EXPECT_EQ(found({1, 2}), Found(2, 0));
  EXPECT_EQ(found({1, 2, 3, 4}), Found(4, 1));
  EXPECT_EQ(found({1, 2, 3, 4, 5, 6, 70, 80}), Found(6, 1));
  EXPECT_EQ(found({1, 2, 3, 4, 5, 6, 7, 8, 9, 10}), Found(9, 2));
}

TEST_F(PrefixCacheTest, keeps_one_block_of_equal_ones) {
  keep({1, 2, 3, 4, 5, 6, 7, 8});
  keep({1, 2, 3, 4, 5, 6, 7, 9});
  EXPECT_EQ(pool_.idle_count(), 3);
  EXPECT_EQ(found({1, 2, 3, 4, 5, 6, 7, 9}), Found(8, 2));
}

TEST_F(PrefixCacheTest, the_same_tokens_behind_others_are_another_block) {
  keep({1, 2, 3, 4, 5, 6, 7, 8});
  EXPECT_EQ(found({5, 6, 7, 8}), Found(0, 0));
  keep({9, 9, 9, 9, 5, 6, 7, 8});
  EXPECT_EQ(pool_.idle_count(), 4);
}

TEST_F(PrefixCacheTest, what_another_model_has_computed_is_not_found) {
  keep({1, 2, 3, 4, 5});
  root_ = cache_.root_key("another");
  EXPECT_EQ(found({1, 2, 3, 4, 5}), Found(0, 0));
}

TEST_F(PrefixCacheTest, an_end_gives_way_to_one_that_goes_on_from_it) {
  keep({1, 2, 3, 4, 5});
  keep({1, 2, 3, 4, 5, 6});
  EXPECT_EQ(pool_.idle_count(), 2);
  keep({1, 2, 3, 4, 5});  // known already
  EXPECT_EQ(pool_.idle_count(), 2);
  EXPECT_EQ(pool_.free_count(), 8);
  EXPECT_EQ(found({1, 2, 3, 4, 5, 6, 7}), Found(6, 1));
}

TEST_F(PrefixCacheTest, the_longest_unused_give_way_and_their_ends_before_their_beginnings) {
  keep({1, 1, 1, 1, 2, 2, 2, 2, 3});
  keep({4, 4, 4, 4, 5, 5, 5, 5, 6, 6, 6, 6, 7, 7, 7, 7});
  keep({8, 8, 8, 8, 8, 8, 8, 8});
  EXPECT_EQ(pool_.free_count(), 1);
  std::vector<BlockId> taken;
  for (int i = 0; i < 3; ++i) taken.push_back(cache_.allocate());
  EXPECT_EQ(found({1, 1, 1, 1, 2, 2, 2, 2, 3}), Found(4, 1));
  EXPECT_EQ(found({4, 4, 4, 4, 5, 5, 5, 5, 6, 6, 6, 6, 7, 7, 7, 7}), Found(16, 4));
  EXPECT_EQ(found({8, 8, 8, 8, 8, 8, 8, 8}), Found(8, 2));
  check();
  for (const BlockId block : taken) pool_.release(block);
  EXPECT_EQ(pool_.free_count() + pool_.idle_count(), 10);
}

TEST_F(PrefixCacheTest, used_blocks_are_never_given_away) {
  const Ids tokens = {1, 2, 3, 4};
  const PrefixKey key = keys(tokens)[0];
  const BlockId used = cache_.allocate();
  cache_.keep(root_, key, tokens, used);
  EXPECT_EQ(cache_.available_count(), 9);
  for (int i = 0; i < 9; ++i) EXPECT_NE(cache_.allocate(), used);
  EXPECT_EQ(cache_.available_count(), 0);
  EXPECT_EQ(cache_.find(key, tokens), used);
}

TEST_F(PrefixCacheTest, stays_whole_whatever_is_kept_and_taken) {
  std::mt19937 random(5);
  const auto up_to = [&](int n) {
    return static_cast<TokenId>(random() % static_cast<unsigned>(n));
  };
  for (int i = 0; i < 2000; ++i) {
    Ids tokens(static_cast<size_t>(1 + up_to(20)));
    for (TokenId& token : tokens) token = up_to(2);
    keep(tokens);
    EXPECT_EQ(found(tokens).first, static_cast<int64_t>(tokens.size()));
  }
  EXPECT_EQ(pool_.free_count() + pool_.idle_count(), 10);
}

}  // namespace
}  // namespace sparrow
