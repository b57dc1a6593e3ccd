// Remembers what words became, within one call: text repeats its words.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <vector>

#include "text/tokenizer.h"

namespace sparrow {

// Each word has one place; a new one there pushes the old one out. Used by one thread.
class WordCache {
 public:
  // For a text of this size; a short one gets no cache at all.
  explicit WordCache(size_t text_size_bytes);

  static constexpr size_t kMaxWordBytes = 24;
  static constexpr size_t kMaxTokens = 8;

  // Appends the ids of `word` and is true, if they are known.
  bool find(std::string_view word, std::vector<TokenId>& ids) const {
    if (entries_.empty() || word.size() > kMaxWordBytes) return false;
    const Key key = key_of(word);
    const Entry& entry = entries_[slot_of(key, word.size())];
    if (entry.size_bytes != word.size() || entry.key != key) return false;
    ids.insert(ids.end(), entry.ids.begin(), entry.ids.begin() + entry.count);
    return true;
  }

  // `word` is not empty.
  void keep(std::string_view word, std::span<const TokenId> ids);

 private:
  using Key = std::array<uint64_t, 3>;  // the word, filled up with zeros
  struct Entry {                        // a cache line
    Key key;
    std::array<TokenId, kMaxTokens> ids;
    uint32_t size_bytes;  // 0: empty
    uint32_t count;
  };

  static Key key_of(std::string_view word) {
    Key key = {};
    std::memcpy(key.data(), word.data(), word.size());
    return key;
  }
  size_t slot_of(const Key& key, size_t size_bytes) const {
    const uint64_t hash = key[0] * 0x9E3779B97F4A7C15 ^ key[1] * 0xC2B2AE3D27D4EB4F ^
                          key[2] * 0x165667B19E3779F9 ^ size_bytes;
    return (hash * 0x9E3779B97F4A7C15) >> shift_;
  }

  std::vector<Entry> entries_;
  uint32_t shift_ = 0;
};

}  // namespace sparrow
