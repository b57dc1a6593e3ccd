#include "text/merge_table.h"

#include <gtest/gtest.h>

#include <random>

namespace sparrow {
namespace {

// The definition: look at all pairs, join the best, begin again.
std::vector<TokenId> merge_plainly(const MergeTable& table, std::vector<TokenId> symbols) {
  while (true) {
    size_t best = symbols.size();
    int32_t best_rank = MergeTable::kNone;
    for (size_t i = 0; i + 1 < symbols.size(); ++i) {
      const int32_t rank = table.rank(table.find(symbols[i], symbols[i + 1]));
      if (rank < best_rank) {
        best = i;
        best_rank = rank;
      }
    }
    if (best == symbols.size()) return symbols;
    symbols[best] = table.result(table.find(symbols[best], symbols[best + 1]));
    symbols.erase(symbols.begin() + static_cast<std::ptrdiff_t>(best) + 1);
  }
}

TEST(Merger, joins_words_of_any_length_as_the_definition_does) {
  std::mt19937 random(1);
  const auto below = [&](TokenId bound) {
    return static_cast<TokenId>(random() % static_cast<uint32_t>(bound));
  };
  for (int round = 0; round < 300; ++round) {
    // Four letters, and tokens made of two earlier ones, some of them in two ways. In every second
    // round many merges tie.
    MergeTable table(80);
    for (TokenId result = 4; result < 44; ++result) {
      const TokenId bound = result < 10 ? 4 : result;
      const int32_t merge = table.add_merge(result, result > 4 && round % 2 == 1 && below(4) > 0);
      table.add_pair(below(bound), below(bound), merge);
      if (below(3) == 0) table.add_pair(below(bound), below(bound), merge);
    }
    Merger merger(table);
    for (const size_t length : {0, 1, 2, 3, 7, 30, 47, 48, 49, 50, 100, 333}) {
      std::vector<TokenId> symbols(length);
      for (TokenId& symbol : symbols) symbol = below(4);
      const std::vector<TokenId> wanted = merge_plainly(table, symbols);
      merger.merge(symbols);
      ASSERT_EQ(symbols, wanted) << "round " << round << ", " << length << " symbols";
    }
  }
}

TEST(MergeTable, of_equal_pairs_the_last_counts) {
  MergeTable table(2);
  table.add_pair(1, 2, table.add_merge(3));
  table.add_pair(1, 2, table.add_merge(4));
  EXPECT_EQ(table.find(1, 2), 1);
  EXPECT_EQ(table.result(1), 4);
  EXPECT_EQ(table.find(2, 1), MergeTable::kNone);
}

TEST(MergeTable, ties_share_a_rank) {
  MergeTable table(4);
  for (const bool ties : {false, false, true, true, false}) table.add_merge(9, ties);
  std::vector<int32_t> ranks;
  for (int32_t merge = 0; merge < 5; ++merge) ranks.push_back(table.rank(merge));
  EXPECT_EQ(ranks, (std::vector<int32_t>{0, 1, 1, 1, 4}));
  EXPECT_EQ(table.rank(MergeTable::kNone), MergeTable::kNone);
}

}  // namespace
}  // namespace sparrow
