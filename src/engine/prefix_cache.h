// Finished sequences whose keys and values stay until their blocks are needed: the next turn of a
// talk begins with the tokens of the last. Used by the engine's thread alone.
#pragma once

#include <cstdint>
#include <list>
#include <span>
#include <vector>

#include "engine/block_pool.h"
#include "text/tokenizer.h"

namespace sparrow {

class PrefixCache {
 public:
  explicit PrefixCache(BlockPool& pool) : pool_(pool) {}

  // Blocks that hold the first `token_count` tokens of a prompt; they may have room for more.
  struct Prefix {
    std::vector<BlockId> blocks;
    int64_t token_count = 0;
  };

  // Takes out the sequence that shares the longest prefix with `prompt`, but leaves one alone that
  // would lose more than it gives: less than half of it is shared.
  Prefix take(std::span<const TokenId> prompt);

  // `blocks` hold the keys and values of exactly `tokens`.
  void keep(std::vector<TokenId> tokens, std::vector<BlockId> blocks);

  // Gives back blocks, of the least recently kept first, until so many are free or none is left.
  void make_room(int64_t free_count);

  int64_t block_count() const;

 private:
  struct Entry {
    std::vector<TokenId> tokens;
    std::vector<BlockId> blocks;
  };

  BlockPool& pool_;
  std::list<Entry> entries_;  // the most recent first
};

}  // namespace sparrow
