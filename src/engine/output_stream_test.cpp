#include "sparrow/output_stream.h"

#include <gtest/gtest.h>

#include <thread>

namespace sparrow {
namespace {

TextDelta text_delta(const std::string& text, FinishReason reason = FinishReason::none) {
  TextDelta delta;
  delta.text = text;
  delta.tokens.resize(1);
  delta.finish_reason = reason;
  return delta;
}

TEST(OutputStream, a_slow_reader_gets_fewer_and_larger_pieces) {
  OutputStream stream;
  stream.push(text_delta("a"));
  stream.push(text_delta("b"));
  const std::optional<TextDelta> first = stream.next();
  ASSERT_TRUE(first.has_value());
  EXPECT_EQ(first->text, "ab");
  EXPECT_EQ(first->tokens.size(), 2u);
  EXPECT_EQ(first->finish_reason, FinishReason::none);
  EXPECT_FALSE(stream.next_within(0).has_value());
  stream.push(text_delta("c"));
  EXPECT_EQ(stream.next()->text, "c");
}

TEST(OutputStream, ends_with_exactly_one_final_delta) {
  OutputStream stream;
  EXPECT_FALSE(stream.is_finished());
  stream.push(text_delta("a"));
  TextDelta last = text_delta("b", FinishReason::error);
  last.error = "broken";
  stream.push(last);
  stream.push(text_delta("c", FinishReason::stop));
  EXPECT_TRUE(stream.is_finished());
  const std::optional<TextDelta> all = stream.next();
  EXPECT_EQ(all->text, "ab");
  EXPECT_EQ(all->finish_reason, FinishReason::error);
  EXPECT_EQ(all->error, "broken");
  EXPECT_FALSE(stream.next().has_value());
  EXPECT_FALSE(stream.next_within(1000000).has_value());
  stream.push(text_delta("d"));
  EXPECT_FALSE(stream.next().has_value());
}

TEST(OutputStream, a_reader_on_another_thread_misses_nothing) {
  OutputStream stream;
  constexpr int kCount = 5000;
  std::thread writer([&] {
    for (int i = 0; i < kCount && !stream.is_cancelled(); ++i) stream.push(text_delta("x"));
    RequestStats stats;
    stats.output_tokens = kCount;
    stream.set_stats(stats);
    stream.push(text_delta("", FinishReason::length));
  });
  size_t size = 0;
  FinishReason reason = FinishReason::none;
  while (const std::optional<TextDelta> delta = stream.next()) {
    size += delta->text.size();
    reason = delta->finish_reason;
  }
  writer.join();
  EXPECT_EQ(size, static_cast<size_t>(kCount));
  EXPECT_EQ(reason, FinishReason::length);
  EXPECT_EQ(stream.stats().output_tokens, kCount);
}

TEST(OutputStream, a_cancelled_writer_stops) {
  OutputStream stream;
  std::thread writer([&] {
    while (!stream.is_cancelled()) stream.push(text_delta("x"));
    stream.push(text_delta("", FinishReason::cancelled));
  });
  EXPECT_TRUE(stream.next().has_value());
  stream.cancel();
  std::optional<TextDelta> last;
  while (std::optional<TextDelta> delta = stream.next()) last = std::move(delta);
  writer.join();
  ASSERT_TRUE(last.has_value());
  EXPECT_EQ(last->finish_reason, FinishReason::cancelled);
}

TEST(OutputStream, calls_whoever_waits_once_for_each_time_it_becomes_readable) {
  OutputStream stream;
  int calls = 0;
  stream.on_readable([&] { ++calls; });
  EXPECT_EQ(calls, 0);
  stream.push({.text = "a"});
  stream.push({.text = "b"});
  EXPECT_EQ(calls, 1);
  EXPECT_EQ(stream.next_within(0)->text, "ab");
  stream.push({.text = "c"});
  EXPECT_EQ(calls, 2);
  int late_calls = 0;
  stream.on_readable([&] { ++late_calls; });
  EXPECT_EQ(late_calls, 1);  // what is there already
  stream.on_readable({});
  EXPECT_EQ(stream.next_within(0)->text, "c");
  stream.push({.text = "d"});
  EXPECT_EQ(calls + late_calls, 3);
}

TEST(OutputStream, lets_go_of_a_callback_that_nothing_is_left_for) {
  const auto early = std::make_shared<int>(), late = std::make_shared<int>();
  OutputStream stream;
  stream.on_readable([early] {});
  stream.push(text_delta("a", FinishReason::stop));
  EXPECT_EQ(early.use_count(), 2);
  ASSERT_TRUE(stream.next());
  EXPECT_EQ(early.use_count(), 1);
  stream.on_readable([late] {});
  EXPECT_EQ(late.use_count(), 1);
}

}  // namespace
}  // namespace sparrow
