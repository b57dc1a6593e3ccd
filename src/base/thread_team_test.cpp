#include "base/thread_team.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <numeric>

namespace sparrow {
namespace {

TEST(ThreadTeam, covers_every_index_exactly_once) {
  for (const int members : {1, 2, 3, 8}) {
    ThreadTeam team(members);
    EXPECT_EQ(team.member_count(), members);
    for (const int64_t count : {0, 1, 2, 7, 64, 1000}) {
      for (const int64_t grain : {1, 3, 64, 5000}) {
        std::vector<int> hits(static_cast<size_t>(count), 0);
        team.for_each(count, grain, [&](int64_t begin, int64_t end) {
          EXPECT_LE(end - begin, grain);
          for (int64_t i = begin; i < end; ++i) ++hits[static_cast<size_t>(i)];
        });
        EXPECT_TRUE(std::all_of(hits.begin(), hits.end(), [](int n) { return n == 1; }));
      }
    }
  }
}

TEST(ThreadTeam, what_a_loop_wrote_is_seen_by_the_next_one) {
  ThreadTeam team(4);
  std::vector<int64_t> values(257, 0);
  for (int round = 0; round < 2000; ++round) {
    team.for_each(257, 8, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) ++values[static_cast<size_t>(i)];
    });
  }
  EXPECT_EQ(std::accumulate(values.begin(), values.end(), int64_t{0}), 257 * 2000);
}

TEST(ThreadTeam, wakes_members_that_have_gone_to_sleep) {
  ThreadTeam team(3);
  std::atomic<int64_t> sum{0};
  for (int round = 0; round < 5; ++round) {
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
    team.for_each(100, 1, [&](int64_t begin, int64_t end) { sum += end - begin; });
  }
  EXPECT_EQ(sum.load(), 500);
}

TEST(ThreadTeam, two_callers_take_turns) {
  ThreadTeam team(2);
  int64_t total = 0;  // no atomic: a second loop may only start when the first has ended
  const auto call_many = [&] {
    for (int round = 0; round < 500; ++round) {
      std::atomic<int64_t> sum{0};
      team.for_each(40, 4, [&](int64_t begin, int64_t end) { sum += end - begin; });
      EXPECT_EQ(sum.load(), 40);
    }
  };
  std::thread other(call_many);
  call_many();
  other.join();
  team.for_each(1, 1, [&](int64_t, int64_t) { ++total; });
  EXPECT_EQ(total, 1);
}

TEST(ThreadTeam, more_loops_than_its_counter_holds) {
  ThreadTeam team(2);
  std::atomic<int64_t> sum{0};
  for (int round = 0; round < 70000; ++round) {
    team.for_each(2, 1, [&](int64_t begin, int64_t end) {
      sum.fetch_add(end - begin, std::memory_order_relaxed);
    });
  }
  EXPECT_EQ(sum.load(), 140000);
}

}  // namespace
}  // namespace sparrow
