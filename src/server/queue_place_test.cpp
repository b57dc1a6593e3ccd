#include "server/queue_place.h"

#include <gtest/gtest.h>

namespace sparrow {
namespace {

using std::chrono::seconds;

TEST(QueueClock, takes_the_rest_of_the_queue_to_go_on_as_it_went) {
  QueueClock clock;
  const QueueClock::Time start;
  EXPECT_EQ(to_string(clock.look(4, start)), "queued: position 4");
  EXPECT_EQ(to_string(clock.look(4, start + seconds(3))), "queued: position 4");
  EXPECT_EQ(to_string(clock.look(3, start + seconds(5))), "queued: position 3, about 15 s");
  EXPECT_EQ(to_string(clock.look(1, start + seconds(7))), "queued: position 1, about 3 s");
}

TEST(QueueClock, begins_anew_when_others_push_in) {
  QueueClock clock;
  const QueueClock::Time start;
  clock.look(3, start);
  clock.look(2, start + seconds(5));
  EXPECT_FALSE(clock.look(9, start + seconds(6)).time_s);
  EXPECT_EQ(clock.look(8, start + seconds(7)).time_s, 8);
}

}  // namespace
}  // namespace sparrow
