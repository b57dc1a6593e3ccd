#include "engine/block_pool.h"

#include <gtest/gtest.h>

namespace sparrow {
namespace {

TEST(BlockPool, gives_each_block_once_and_takes_it_back_when_its_last_user_leaves) {
  BlockPool pool(3, 16);
  const BlockId a = pool.allocate();
  const BlockId b = pool.allocate();
  EXPECT_NE(a, b);
  pool.share(a);
  pool.release(a);
  EXPECT_EQ(pool.free_count(), 1);
  EXPECT_EQ(pool.user_count(a), 1);
  pool.release(a);
  pool.release(b);
  EXPECT_EQ(pool.free_count(), 3);
  pool.check();
}

TEST(BlockPool, a_kept_block_is_idle_until_it_is_shared_again) {
  BlockPool pool(2, 16);
  const BlockId a = pool.allocate();
  pool.set_kept(a, true);
  EXPECT_EQ(pool.idle_count(), 0);
  pool.release(a);
  EXPECT_EQ(pool.idle_count(), 1);
  EXPECT_EQ(pool.free_count(), 1);
  pool.check();
  pool.share(a);
  EXPECT_EQ(pool.idle_count(), 0);
  pool.check();
  pool.release(a);
  pool.set_kept(a, false);
  EXPECT_EQ(pool.free_count(), 2);
  pool.check();
}

TEST(BlockPool, names_the_block_that_has_been_idle_for_longest) {
  BlockPool pool(4, 16);
  BlockId blocks[4];
  for (BlockId& block : blocks) {
    block = pool.allocate();
    pool.set_kept(block, true);
  }
  for (const int i : {2, 0, 3, 1}) pool.release(blocks[i]);
  EXPECT_EQ(pool.oldest_idle(), blocks[2]);
  pool.share(blocks[2]);
  pool.release(blocks[2]);  // now the newest
  pool.share(blocks[3]);    // from the middle
  pool.check();
  for (const int i : {0, 1, 2}) {
    EXPECT_EQ(pool.oldest_idle(), blocks[i]);
    pool.set_kept(pool.oldest_idle(), false);
    pool.check();
  }
  EXPECT_EQ(pool.free_count(), 3);
  EXPECT_EQ(pool.idle_count(), 0);
}

TEST(BlockPool, knows_how_many_blocks_hold_so_many_tokens) {
  const BlockPool pool(4, 16);
  EXPECT_EQ(pool.blocks_for(0), 0);
  EXPECT_EQ(pool.blocks_for(1), 1);
  EXPECT_EQ(pool.blocks_for(16), 1);
  EXPECT_EQ(pool.blocks_for(17), 2);
}

}  // namespace
}  // namespace sparrow
