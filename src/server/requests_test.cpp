#include "server/requests.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

namespace sparrow {
namespace {

using testing::HasSubstr;

TEST(Requests, are_seen_and_cancelled_by_their_own_key_or_by_none) {
  Requests requests(2);
  int cancelled = 0;
  const auto ticket = requests.admit({.id = "a", .key_name = "ann"}, [&] { ++cancelled; });
  ASSERT_NE(ticket, nullptr);
  EXPECT_EQ(requests.cancel("a", "bob"), 0);
  EXPECT_EQ(requests.cancel("b", "ann"), 0);
  EXPECT_EQ(requests.cancel("a", "ann"), 1);
  EXPECT_EQ(requests.cancel("a", ""), 1);
  EXPECT_EQ(cancelled, 2);
}

TEST(Requests, are_no_more_than_the_limit) {
  Requests requests(2);
  auto first = requests.admit({}, [] {});
  const auto second = requests.admit({}, [] {});
  EXPECT_EQ(requests.admit({}, [] {}), nullptr);
  EXPECT_EQ(too_many_requests().status, 503);
  first.reset();
  EXPECT_NE(requests.admit({}, [] {}), nullptr);
  EXPECT_EQ(requests.count(), 1);
}

TEST(Requests, end_when_all_are_told_to_and_are_waited_for) {
  Requests requests(8);
  std::atomic<bool> is_told = false, has_ended = false;
  std::thread running([&, ticket = requests.admit({}, [&] { is_told = true; })]() mutable {
    while (!is_told) std::this_thread::yield();
    has_ended = true;
    ticket.reset();
  });
  requests.end_all();
  EXPECT_TRUE(has_ended);
  EXPECT_EQ(requests.count(), 0);
  running.join();
  requests.end_all();  // nothing runs: nothing to wait for
}

}  // namespace
}  // namespace sparrow
