#include "text/word_cache.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <thread>

namespace sparrow {
namespace {

using testing::ElementsAre;
using Ids = std::vector<TokenId>;

TEST(WordCache, appends_what_it_was_told) {
  WordCache cache;
  Ids ids = {9};
  EXPECT_FALSE(cache.find("word", false, ids));
  cache.keep("word", false, Ids{1, 2, 1048575});
  EXPECT_TRUE(cache.find("word", false, ids));
  EXPECT_THAT(ids, ElementsAre(9, 1, 2, 1048575));
  cache.keep("word", false, Ids{});
  ids.clear();
  EXPECT_TRUE(cache.find("word", false, ids));
  EXPECT_TRUE(ids.empty());
}

TEST(WordCache, words_parts_and_words_with_zeros_are_different) {
  WordCache cache;
  Ids ids;
  cache.keep("a", false, Ids{1});
  EXPECT_FALSE(cache.find("a", true, ids));
  EXPECT_FALSE(cache.find(std::string_view("a\0", 2), false, ids));
  EXPECT_FALSE(cache.find("", false, ids));
}

TEST(WordCache, takes_24_bytes_and_8_ids) {
  WordCache cache;
  Ids ids;
  const std::string longest(24, 'x');
  cache.keep(longest, false, Ids{1, 2, 3, 4, 5, 6, 7, 8});
  EXPECT_TRUE(cache.find(longest, false, ids));
  EXPECT_THAT(ids, ElementsAre(1, 2, 3, 4, 5, 6, 7, 8));
  cache.keep(longest + "x", false, Ids{1});
  EXPECT_FALSE(cache.find(longest + "x", false, ids));
  cache.keep("nine", false, Ids{1, 2, 3, 4, 5, 6, 7, 8, 9});
  EXPECT_FALSE(cache.find("nine", false, ids));
}

TEST(WordCache, threads_never_see_half_a_word) {
  WordCache cache;
  // What a word became can be told from the word, and many words fight for each place.
  const auto ids_of = [](int number) { return Ids(static_cast<size_t>(number % 8 + 1), number); };
  const auto work = [&](int seed) {
    Ids ids;
    for (int i = 0; i < 200000; ++i) {
      const int number = (i * 7919 + seed * 31) % 100000;
      const std::string word = std::to_string(number);
      ids.clear();
      if (cache.find(word, false, ids)) {
        if (ids != ids_of(number)) return false;
      } else {
        cache.keep(word, false, ids_of(number));
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
