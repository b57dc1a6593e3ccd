#include "chat/context_fit.h"

#include <gtest/gtest.h>

#include <vector>

namespace sparrow {
namespace {

std::vector<Message> turns(size_t count) {
  std::vector<Message> messages;
  for (size_t i = 0; i < count; ++i) {
    messages.push_back({.role = "user", .content = "q"});
    messages.push_back({.role = "assistant", .content = "a"});
  }
  return messages;
}

// Each message has 10 tokens. What was counted last is kept.
struct Counted {
  std::vector<size_t> calls;
  std::optional<size_t> first(const std::vector<Message>& messages, const ContextRoom& room) {
    return first_that_fits(messages, 0, room, [&](size_t from) {
      calls.push_back(from);
      return static_cast<int64_t>((messages.size() - from) * 10);
    });
  }
};

TEST(ContextFit, drops_as_few_turns_as_it_must) {
  const std::vector<Message> messages = turns(50);  // 1,000 tokens
  for (int64_t context = 30; context <= 1100; ++context) {
    Counted counted;
    const std::optional<size_t> first = counted.first(messages, {context, 5});
    ASSERT_TRUE(first.has_value()) << context;
    const int64_t seen = std::min<int64_t>(50, (context - 5) / 20);
    EXPECT_EQ(*first, static_cast<size_t>(50 - seen) * 2) << context;
    EXPECT_EQ(counted.calls.back(), *first) << context;
  }
}

TEST(ContextFit, keeps_the_last_turn_if_it_leaves_a_token) {
  const std::vector<Message> messages = turns(3);
  EXPECT_EQ(Counted().first(messages, {21, 20}), std::optional<size_t>(4));
  EXPECT_EQ(Counted().first(messages, {20, 20}), std::nullopt);
  EXPECT_EQ(Counted().first(turns(1), {21, 20}), std::optional<size_t>(0));
  EXPECT_EQ(Counted().first(turns(1), {20, 20}), std::nullopt);
}

TEST(ContextFit, renders_a_long_conversation_a_few_times_only) {
  Counted counted;
  EXPECT_EQ(counted.first(turns(2048), {100, 10}), std::optional<size_t>(4088));
  EXPECT_LE(counted.calls.size(), 14u);
}

}  // namespace
}  // namespace sparrow
