#include "text/word_cache.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <thread>

namespace sparrow {
namespace {

using testing::ElementsAre;
using Ids = std::vector<TokenId>;

bool find(const WordCache& cache, std::string_view word, bool is_part, Ids& ids) {
  return cache.find(cache.look_at(word, is_part), ids);
}

void keep(WordCache& cache, std::string_view word, bool is_part, const Ids& ids) {
  cache.keep(cache.look_at(word, is_part), ids);
}

TEST(WordCache, appends_what_it_was_told) {
  WordCache cache(40000);
  Ids ids = {9};
  EXPECT_FALSE(find(cache, "word", false, ids));
  keep(cache, "word", false, Ids{1, 2, 1048575});
  EXPECT_TRUE(find(cache, "word", false, ids));
  EXPECT_THAT(ids, ElementsAre(9, 1, 2, 1048575));
  keep(cache, "word", false, Ids{});
  ids.clear();
  EXPECT_TRUE(find(cache, "word", false, ids));
  EXPECT_TRUE(ids.empty());
}

TEST(WordCache, words_parts_and_words_with_zeros_are_different) {
  WordCache cache(40000);
  Ids ids;
  keep(cache, "a", false, Ids{1});
  EXPECT_FALSE(find(cache, "a", true, ids));
  EXPECT_FALSE(find(cache, std::string_view("a\0", 2), false, ids));
}

TEST(WordCache, words_of_every_size_are_told_apart_in_every_byte) {
  WordCache cache(40000);
  for (size_t size = 1; size <= 24; ++size) {
    std::string word;
    for (size_t i = 0; i < size; ++i) word += static_cast<char>('a' + i);
    keep(cache, word, false, Ids{static_cast<TokenId>(size)});
    Ids ids;
    EXPECT_TRUE(find(cache, word, false, ids)) << size;
    EXPECT_THAT(ids, ElementsAre(static_cast<TokenId>(size)));
    for (size_t i = 0; i < size; ++i) {
      std::string other = word;
      other[i] = '_';
      EXPECT_FALSE(find(cache, other, false, ids)) << other;
    }
  }
}

TEST(WordCache, takes_24_bytes_and_8_ids) {
  WordCache cache(40000);
  Ids ids;
  const std::string longest(24, 'x');
  keep(cache, longest, false, Ids{1, 2, 3, 4, 5, 6, 7, 8});
  EXPECT_TRUE(find(cache, longest, false, ids));
  EXPECT_THAT(ids, ElementsAre(1, 2, 3, 4, 5, 6, 7, 8));
  keep(cache, longest + "x", false, Ids{1});
  EXPECT_FALSE(find(cache, longest + "x", false, ids));
  keep(cache, "nine", false, Ids{1, 2, 3, 4, 5, 6, 7, 8, 9});
  EXPECT_FALSE(find(cache, "nine", false, ids));
}

TEST(WordCache, threads_never_see_half_a_word) {
  WordCache cache(40000);
  // What a word became can be told from the word, and many words fight for each place.
  const auto ids_of = [](int number) { return Ids(static_cast<size_t>(number % 8 + 1), number); };
  const auto work = [&](int seed) {
    Ids ids;
    for (int i = 0; i < 200000; ++i) {
      const int number = (i * 7919 + seed * 31) % 100000;
      const std::string word = std::to_string(number);
      ids.clear();
      if (find(cache, word, false, ids)) {
        if (ids != ids_of(number)) return false;
      } else {
        keep(cache, word, false, ids_of(number));
      }
    }
    return true;
  };
  bool is_right[4] = {};
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) threads.emplace_back([&, i] { is_right[i] = work(i); });
  for (std::thread& thread : threads) thread.join();
  EXPECT_THAT(is_right, testing::Each(true));
}

}  // namespace
}  // namespace sparrow
