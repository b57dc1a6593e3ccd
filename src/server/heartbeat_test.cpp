#include "server/heartbeat.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sparrow {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::IsEmpty;

std::vector<LoadedModel> model(int64_t running, int64_t steps) {
  LoadedModel model = {.name = "m"};
  model.stats.running_count = running;
  model.stats.step_count = steps;
  return {model};
}

TEST(Heartbeat, an_idle_engine_never_hangs) {
  Heartbeat heart;
  const Heartbeat::Time start;
  EXPECT_THAT(heart.look(model(0, 7), start), IsEmpty());
  EXPECT_THAT(heart.look(model(0, 7), start + hours(1)), IsEmpty());
  // It has only begun, whatever was before.
  EXPECT_THAT(heart.look(model(1, 7), start + hours(2)), IsEmpty());
}

TEST(Heartbeat, a_busy_engine_hangs_once_its_steps_stand_still) {
  Heartbeat heart;
  const Heartbeat::Time start;
  EXPECT_THAT(heart.look(model(1, 7), start), IsEmpty());
  EXPECT_THAT(heart.look(model(1, 7), start + Heartbeat::kPatience - milliseconds(1)), IsEmpty());
  EXPECT_THAT(heart.look(model(1, 7), start + Heartbeat::kPatience), ElementsAre("m"));
  EXPECT_THAT(heart.look(model(1, 8), start + Heartbeat::kPatience + seconds(1)), IsEmpty());
}

}  // namespace
}  // namespace sparrow
