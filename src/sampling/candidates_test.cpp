#include "sampling/candidates.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace sparrow {
namespace {

using Floats = std::vector<float>;

// Rows with many ties, excluded tokens, and sizes that are no multiple of anything.
Floats some_row(uint32_t seed, size_t size, int distinct) {
  std::minstd_rand random(seed);
  Floats row(size);
  for (float& logit : row) logit = static_cast<float>(random() % static_cast<uint32_t>(distinct));
  for (size_t i = 0; i < size; i += 5) row[i] = kExcluded;
  return row;
}

std::vector<int32_t> sorted_ids(const Floats& row) {
  std::vector<int32_t> ids;
  for (size_t id = 0; id < row.size(); ++id)
    if (row[id] != kExcluded) ids.push_back(static_cast<int32_t>(id));
  std::stable_sort(ids.begin(), ids.end(), [&](int32_t a, int32_t b) {
    return row[static_cast<size_t>(a)] > row[static_cast<size_t>(b)];
  });
  return ids;
}

std::vector<int32_t> visited(Candidates& candidates, int64_t count) {
  std::vector<int32_t> ids;
  candidates.visit_best([&](const Candidate& candidate) {
    ids.push_back(candidate.id);
    return static_cast<int64_t>(ids.size()) < count;
  });
  return ids;
}

TEST(Candidates, keep_best_and_visit_best_equal_a_full_sort) {
  for (const size_t size : {3u, 17u, 500u, 5003u, 60001u}) {
    for (const int distinct : {1, 7, 1000, 1 << 30}) {
      const Floats row = some_row(static_cast<uint32_t>(size) + 1, size, distinct);
      const std::vector<int32_t> expected = sorted_ids(row);
      for (const size_t count : {size_t{1}, size_t{2}, size_t{40}, size / 3 + 1, size + 5}) {
        const std::vector<int32_t> wanted(
            expected.begin(),
            expected.begin() + static_cast<ptrdiff_t>(std::min(count, expected.size())));
        for (const bool is_listed : {false, true}) {
          Floats copy = row;
          Candidates candidates(static_cast<int64_t>(size));
          candidates.reset(copy);
          if (is_listed) candidates.all();
          candidates.keep_best(static_cast<int64_t>(count));
          EXPECT_EQ(candidates.all().size(), wanted.size());
          EXPECT_EQ(visited(candidates, static_cast<int64_t>(size)), wanted);
        }
        Candidates candidates(static_cast<int64_t>(size));
        Floats copy = row;
        candidates.reset(copy);
        EXPECT_EQ(visited(candidates, static_cast<int64_t>(count)), wanted);
        EXPECT_EQ(candidates.all().size(), expected.size());
      }
    }
  }
}

TEST(Candidates, keep_from_keeps_the_order_of_what_is_left) {
  const Floats row = some_row(3, 2000, 50);
  for (const bool is_sorted : {false, true}) {
    Floats copy = row;
    Candidates candidates(2000);
    candidates.reset(copy);
    if (is_sorted) visited(candidates, 300);
    candidates.keep_from(40);
    std::vector<int32_t> expected = sorted_ids(row);
    std::erase_if(expected, [&](int32_t id) { return row[static_cast<size_t>(id)] < 40; });
    EXPECT_EQ(candidates.all().size(), expected.size());
    EXPECT_EQ(visited(candidates, 2000), expected);
  }
}

TEST(Candidates, the_best_token_is_the_first_of_equals) {
  EXPECT_EQ(best_token(Floats{1, 3, 2, 3}), 1);
  EXPECT_EQ(best_token(Floats(100, -5)), 0);
  EXPECT_EQ(best_token(Floats{}), -1);
  EXPECT_EQ(best_token(Floats(40, kExcluded)), -1);
  Floats row(33, kExcluded);
  row[32] = -1e38f;
  EXPECT_EQ(best_token(row), 32);
}

}  // namespace
}  // namespace sparrow
