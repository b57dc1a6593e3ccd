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
      const int32_t rank = table.find(symbols[i], symbols[i + 1]).rank;
      if (rank < best_rank) {
        best = i;
        best_rank = rank;
      }
    }
    if (best == symbols.size()) return symbols;
    symbols[best] = table.find(symbols[best], symbols[best + 1]).result;
    symbols.erase(symbols.begin() + static_cast<std::ptrdiff_t>(best) + 1);
  }
}

TEST(Merger, joins_words_of_any_length_as_the_definition_does) {
  std::mt19937 random(1);
  for (int round = 0; round < 300; ++round) {
    // Four letters and tokens made of two earlier ones; ranks may be equal, as scores may be.
    MergeTable table(40);
    const int32_t rank_count = round % 2 ? 40 : 5;
    for (TokenId result = 4; result < 44; ++result) {
      const TokenId bound = result < 10 ? 4 : result;
      table.add(static_cast<TokenId>(random() % static_cast<uint32_t>(bound)),
                static_cast<TokenId>(random() % static_cast<uint32_t>(bound)),
                {static_cast<int32_t>(random() % static_cast<uint32_t>(rank_count)), result});
    }
    Merger merger(table);
    for (const size_t length : {0, 1, 2, 3, 7, 30, 47, 48, 49, 50, 100, 333}) {
      std::vector<TokenId> symbols(length);
      for (TokenId& symbol : symbols) symbol = static_cast<TokenId>(random() % 4);
      const std::vector<TokenId> wanted = merge_plainly(table, symbols);
      merger.merge(symbols);
      ASSERT_EQ(symbols, wanted) << "round " << round << ", " << length << " symbols";
    }
  }
}

TEST(MergeTable, of_equal_pairs_the_last_counts) {
  MergeTable table(2);
  table.add(1, 2, {7, 3});
  table.add(1, 2, {9, 4});
  EXPECT_EQ(table.find(1, 2).rank, 9);
  EXPECT_EQ(table.find(1, 2).result, 4);
  EXPECT_EQ(table.find(2, 1).rank, MergeTable::kNone);
}

}  // namespace
}  // namespace sparrow
