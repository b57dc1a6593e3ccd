// Remembers what words became: text repeats its words.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "text/tokenizer.h"

namespace sparrow {

// Each word has one place; a new one there pushes the old one out. Any number of threads may use it
// at once. They never wait: an entry is read between two looks at its version (a sequence lock),
// and one that is being written counts as missing.
class WordCache {
 public:
  WordCache() : entries_(new Entry[kEntryCount]()) {}

  static constexpr size_t kMaxWordBytes = 24;
  static constexpr size_t kMaxTokens = 8;

  // Appends the ids of `word` and is true, if they are known. Parts of words are remembered apart.
  bool find(std::string_view word, bool is_part, std::vector<TokenId>& ids) const {
    if (word.size() > kMaxWordBytes) return false;
    const Key key = key_of(word);
    const Entry& entry = entries_[place_of(key)];
    const uint64_t state = entry.state.load(std::memory_order_acquire);
    if ((state & 0xFF) != size_of(word, is_part)) return false;
    for (size_t i = 0; i < key.size(); ++i) {
      if (entry.key[i].load(std::memory_order_acquire) != key[i]) return false;
    }
    std::array<uint64_t, kMaxTokens / 2> pairs;
    for (size_t i = 0; i < pairs.size(); ++i)
      pairs[i] = entry.ids[i].load(std::memory_order_acquire);
    if (entry.state.load(std::memory_order_relaxed) != state) return false;
    const size_t count = state >> 8 & 0xFF;
    for (size_t i = 0; i < count; ++i) {
      ids.push_back(static_cast<TokenId>(pairs[i / 2] >> (i % 2 * 32)));
    }
    return true;
  }

  // `word` is not empty.
  void keep(std::string_view word, bool is_part, std::span<const TokenId> ids);

 private:
  using Key = std::array<uint64_t, kMaxWordBytes / 8>;  // the word, filled up with zeros

  // A cache line. `state` is the version, the number of ids, size_of() the word; 0: there is
  // nothing, or it is being written.
  struct alignas(64) Entry {
    std::atomic<uint64_t> state = 0;
    std::array<std::atomic<uint64_t>, kMaxWordBytes / 8> key = {};
    std::array<std::atomic<uint64_t>, kMaxTokens / 2> ids = {};
  };

  static constexpr int kEntryBits = 15;  // 2 MiB
  static constexpr size_t kEntryCount = size_t{1} << kEntryBits;

  static uint64_t size_of(std::string_view word, bool is_part) {
    return word.size() | 0x40 | (is_part ? 0x80 : 0);
  }
  static Key key_of(std::string_view word) {
    Key key = {};
    std::memcpy(key.data(), word.data(), word.size());
    return key;
  }
  static size_t place_of(const Key& key) {
    const uint64_t hash =
        key[0] * 0x9E3779B97F4A7C15 ^ key[1] * 0xC2B2AE3D27D4EB4F ^ key[2] * 0x165667B19E3779F9;
    return hash * 0x9E3779B97F4A7C15 >> (64 - kEntryBits);
  }

  std::unique_ptr<Entry[]> entries_;
};

}  // namespace sparrow
