#include "core/work_queue.h"

#include <gtest/gtest.h>

#include "tests/support/fake_clock.h"

namespace bco {
namespace {

using namespace std::chrono_literals;

class WorkQueueTest : public testing::Test {
 protected:
  test::FakeClock clock_;
  WorkQueue queue_{clock_};
};

TEST_F(WorkQueueTest, HoldsAKeyOnceHoweverOftenItIsAdded) {
  queue_.add("a", Lane::kFresh);
  queue_.add("a", Lane::kFresh);
  EXPECT_EQ(queue_.take({}), "a");
  queue_.done("a");
  EXPECT_TRUE(queue_.idle(1h));
}

TEST_F(WorkQueueTest, BringsAKeyBackThatWasAddedWhileInFlight) {
  queue_.add("a", Lane::kFresh);
  ASSERT_EQ(queue_.take({}), "a");
  queue_.add("a", Lane::kSweep);
  EXPECT_EQ(queue_.depth(), 0U) << "one worker only may hold it";
  queue_.done("a");
  EXPECT_EQ(queue_.take({}), "a");
}

TEST_F(WorkQueueTest, ServesTheBetterLaneFirstAndMovesAKeyUp) {
  queue_.add("sweep", Lane::kSweep);
  queue_.add("moved", Lane::kSweep);
  queue_.add("fresh", Lane::kFresh);
  queue_.add("moved", Lane::kRevocation);
  EXPECT_EQ(queue_.take({}), "moved");
  EXPECT_EQ(queue_.take({}), "fresh");
  EXPECT_EQ(queue_.take({}), "sweep");
}

TEST_F(WorkQueueTest, DoesNotLetABusyLaneStarveTheNext) {
  queue_.add("sweep", Lane::kSweep);
  int before = 0;
  for (int i = 0; i < 100; ++i) queue_.add("fresh" + std::to_string(i), Lane::kFresh);
  while (queue_.take({}) != "sweep") ++before;
  EXPECT_LE(before, 20);
}

TEST_F(WorkQueueTest, GivesADelayedKeyOutWhenItsTimeHasComeAndNotBefore) {
  queue_.addAfter("a", 10s, Lane::kFresh);
  queue_.addAfter("a", 20s, Lane::kFresh);
  EXPECT_TRUE(queue_.idle(9s));
  EXPECT_FALSE(queue_.idle(10s));
  clock_.advance(10s);
  EXPECT_EQ(queue_.take({}), "a");
  queue_.done("a");
  EXPECT_TRUE(queue_.idle(1h)) << "the later delay is covered by the earlier one";
}

TEST_F(WorkQueueTest, ReturnsNothingAfterAStop) {
  std::stop_source stop;
  stop.request_stop();
  queue_.add("a", Lane::kFresh);
  EXPECT_EQ(queue_.take(stop.get_token()), std::nullopt);
}

}  // namespace
}  // namespace bco
