// Which blocks of the KV cache hold which tokens: what one request has computed, others that begin
// alike share, while it runs and afterwards, until its blocks are needed. Used by the engine's
// thread alone.
//
// A block is known by a key: the SHA-256 of the key before it and its tokens, from a root that says
// which model, cache type and adapter computed it. Equal keys are not enough: the tokens are
// compared as well. A block that is not full, the end of a sequence, is known by the block before
// it.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/hash.h"
#include "engine/block_pool.h"
#include "text/tokenizer.h"

namespace sparrow {

using PrefixKey = Sha256Digest;

class PrefixCache {
 public:
  explicit PrefixCache(BlockPool& pool);

  // The key that stands before the first block. Prefixes with different `fingerprint` share
  // nothing.
  PrefixKey root_key(std::string_view fingerprint);
  PrefixKey next_key(const PrefixKey& before, std::span<const TokenId> tokens);

  // The block of this key, which holds exactly these tokens.
  std::optional<BlockId> find(const PrefixKey& key, std::span<const TokenId> tokens) const;

  // The block behind `before` (a key, or the root) whose tokens begin with most of `tokens`; full
  // or not.
  struct Beginning {
    BlockId block = 0;
    int64_t shared_count = 0;  // of its tokens; 0: there is none
    int64_t token_count = 0;
  };
  Beginning find_beginning(const PrefixKey& before, std::span<const TokenId> tokens) const;

  // From now on `block`, which has a user, holds `tokens` behind `before`, for whoever asks. Gives
  // the block that stands for them: an equal one that was kept earlier, or this one.
  BlockId keep(const PrefixKey& before, const PrefixKey& key, std::span<const TokenId> tokens,
               BlockId block);
  // The same for tokens that do not fill a block. Nothing is gained, and nothing done, if another
  // block begins with them.
  void keep_end(const PrefixKey& before, std::span<const TokenId> tokens, BlockId block);

  // Nobody finds the block any more.
  void forget(BlockId block);
  // All idle blocks become free. True: nothing is cached any more; false: requests share the rest.
  bool reset();

  // How many blocks can be had without taking one from a user.
  int64_t available_count() const { return pool_.free_count() + pool_.idle_count(); }
  // One of them: a free one, else the one that has been idle for longest.
  BlockId allocate();

  void check() const;  // Verifies the invariants; aborts on a bug.

 private:
  struct KeyHash {
    size_t operator()(const PrefixKey& key) const;
  };
  struct Entry {
    PrefixKey before{};
    PrefixKey key{};  // of a full block
    int64_t token_count = 0;
  };

  Entry& at(BlockId block) { return entries_[static_cast<size_t>(block)]; }
  const Entry& at(BlockId block) const { return entries_[static_cast<size_t>(block)]; }
  std::span<const TokenId> tokens_of(BlockId block) const;
  void enter(const PrefixKey& before, std::span<const TokenId> tokens, BlockId block);

  BlockPool& pool_;
  Sha256 hash_;
  std::vector<Entry> entries_;   // [block], of those that are kept
  std::vector<TokenId> tokens_;  // [block][block_tokens]
  std::unordered_map<PrefixKey, BlockId, KeyHash> full_;
  std::unordered_map<PrefixKey, std::vector<BlockId>, KeyHash> behind_;  // each key, full or not
};

}  // namespace sparrow
