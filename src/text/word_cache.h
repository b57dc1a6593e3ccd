// Remembers what words became: text repeats its words.
#pragma once

#include <algorithm>
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
  // For a vocabulary of so many tokens; 64 bytes for every fourth, 2 MiB at most.
  explicit WordCache(int64_t vocabulary_size);

  static constexpr size_t kMaxWordBytes = 24;
  static constexpr size_t kMaxTokens = 8;

  // A word and its place. Its line is fetched meanwhile, so that looking at a few words before the
  // first of them is needed hides what memory takes.
  class Probe {
   private:
    friend class WordCache;
    std::array<uint64_t, kMaxWordBytes / 8> key;  // the word, filled up with zeros
    uint32_t place = 0;
    uint32_t size = 0;  // 0: too long to be remembered
  };

  // `word` is not empty. Parts of words are remembered apart from words.
  Probe look_at(std::string_view word, bool is_part) const {
    Probe probe;
    if (word.size() > kMaxWordBytes) return probe;
    const char* bytes = word.data();
    const size_t size = word.size();
    probe.key = {load(bytes, std::min<size_t>(size, 8)),
                 size > 8 ? load(bytes + 8, std::min<size_t>(size - 8, 8)) : 0,
                 size > 16 ? load(bytes + 16, size - 16) : 0};
    probe.size = static_cast<uint32_t>(size | (is_part ? 0x80 : 0));
    probe.place = place_of(probe);
    __builtin_prefetch(&entries_[probe.place]);
    return probe;
  }

  // Appends the word's ids and is true, if they are known.
  bool find(const Probe& probe, std::vector<TokenId>& ids) const {
    if (probe.size == 0) return false;
    const Entry& entry = entries_[probe.place];
    const uint64_t state = entry.state.load(std::memory_order_acquire);
    if ((state & 0xFF) != probe.size) return false;
    for (size_t i = 0; i < probe.key.size(); ++i) {
      if (entry.key[i].load(std::memory_order_acquire) != probe.key[i]) return false;
    }
    std::array<uint64_t, kMaxTokens / 2> pairs;
    for (size_t i = 0; i < pairs.size(); ++i) {
      pairs[i] = entry.ids[i].load(std::memory_order_acquire);
    }
    if (entry.state.load(std::memory_order_relaxed) != state) return false;
    const size_t count = state >> 8 & 0xFF;
    for (size_t i = 0; i < count; ++i) {
      ids.push_back(static_cast<TokenId>(pairs[i / 2] >> (i % 2 * 32)));
    }
    return true;
  }

  void keep(const Probe& probe, std::span<const TokenId> ids);

 private:
  // A cache line. `state` is the version, the number of ids and Probe::size; 0 for the size:
  // there is nothing, or it is being written.
  struct alignas(64) Entry {
    std::atomic<uint64_t> state = 0;
    std::array<std::atomic<uint64_t>, kMaxWordBytes / 8> key = {};
    std::array<std::atomic<uint64_t>, kMaxTokens / 2> ids = {};
  };

  // `count` bytes, 1 to 8, as one number filled up with zeros. Where loads overlap they agree.
  static uint64_t load(const char* bytes, size_t count) {
    const auto word = [&](auto number, size_t at) -> uint64_t {
      std::memcpy(&number, bytes + at, sizeof(number));
      return static_cast<uint64_t>(number) << (8 * at);
    };
    if (count == 8) return word(uint64_t{}, 0);
    if (count >= 4) return word(uint32_t{}, 0) | word(uint32_t{}, count - 4);
    return word(uint8_t{}, 0) | word(uint8_t{}, count / 2) | word(uint8_t{}, count - 1);
  }
  uint32_t place_of(const Probe& probe) const {
    const uint64_t hash = probe.key[0] * 0x9E3779B97F4A7C15 ^ probe.key[1] * 0xC2B2AE3D27D4EB4F ^
                          probe.key[2] * 0x165667B19E3779F9;
    return static_cast<uint32_t>((hash ^ hash >> 32) * 0x9E3779B97F4A7C15 >> shift_);
  }

  int shift_;  // 64 - log2 of the number of entries
  std::unique_ptr<Entry[]> entries_;
};

}  // namespace sparrow
