#include "core/work_queue.h"

#include <gmock/gmock.h>

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

class CountingObserver final : public QueueObserver {
 public:
  void onAdded() override { ++added; }
  void onTaken(Duration time) override { waited.push_back(time); }
  void onDone(Duration time) override { worked.push_back(time); }
  int added = 0;
  std::vector<Duration> waited;
  std::vector<Duration> worked;
};

TEST(WorkQueueObserver, IsToldHowLongKeysWaitAndAreWorkedOn) {
  test::FakeClock clock;
  CountingObserver observer;
  WorkQueue queue(clock, {}, &observer);
  queue.add("a", Lane::kSweep);
  clock.advance(2s);
  queue.add("a", Lane::kFresh);
  clock.advance(1s);
  ASSERT_EQ(queue.take({}), "a");
  EXPECT_EQ(queue.inFlight(), 1U);
  queue.add("a", Lane::kFresh);
  clock.advance(5s);
  queue.done("a");
  EXPECT_EQ(observer.added, 2) << "once for each time it begins to wait";
  EXPECT_THAT(observer.waited, testing::ElementsAre(3s)) << "a better lane is no new wait";
  EXPECT_THAT(observer.worked, testing::ElementsAre(5s));
  EXPECT_EQ(queue.inFlight(), 0U);
  EXPECT_EQ(queue.depth(), 1U);
}

TEST(WorkQueue, KnowsHowLongKeysHaveBeenInFlight) {
  test::FakeClock clock;
  WorkQueue queue(clock);
  queue.add("a", Lane::kFresh);
  queue.add("b", Lane::kFresh);
  ASSERT_EQ(queue.take({}), "a");
  clock.advance(3s);
  ASSERT_EQ(queue.take({}), "b");
  clock.advance(2s);
  EXPECT_EQ(queue.unfinished().longest, 5s);
  EXPECT_EQ(queue.unfinished().total, 7s);
  queue.done("a");
  EXPECT_EQ(queue.unfinished().longest, 2s);
  queue.done("b");
  EXPECT_EQ(queue.unfinished().total, 0s);
}

class Grouped : public testing::Test {
 protected:
  test::FakeClock clock_;
  WorkQueue queue_{clock_, {[](const std::string& key) { return key.substr(0, 1); }, 2}};
  std::stop_source stopped_;

  // The next key that may be had without waiting.
  std::string take() {
    auto key = queue_.take(stopped_.get_token());
    return key.value_or("");
  }
};

TEST_F(Grouped, TakeTurns) {
  for (const char* key : {"a1", "a2", "a3", "b1", "c1"}) queue_.add(key, Lane::kSweep);
  std::vector<std::string> order;
  for (int i = 0; i < 5; ++i) {
    order.push_back(take());
    queue_.done(order.back());
  }
  EXPECT_THAT(order, testing::ElementsAre("a1", "b1", "c1", "a2", "a3"));
}

TEST_F(Grouped, HaveNoMoreThanTheirShareInFlight) {
  for (const char* key : {"a1", "a2", "a3", "a4"}) queue_.add(key, Lane::kFresh);
  queue_.add("b1", Lane::kSweep);
  EXPECT_EQ(take(), "a1");
  EXPECT_EQ(take(), "a2");
  EXPECT_EQ(take(), "b1") << "also from a lesser lane";
  queue_.done("a2");
  EXPECT_EQ(take(), "a3");
  queue_.add("a1", Lane::kFresh);
  queue_.done("a3");
  EXPECT_EQ(take(), "a4");
  queue_.done("a1");
  EXPECT_EQ(take(), "a1");
  EXPECT_FALSE(queue_.idle(0s));
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

// Counts who is woken.
class CountingClock final : public Clock {
 public:
  [[nodiscard]] TimePoint now() const override { return clock_.now(); }
  [[nodiscard]] SteadyPoint steadyNow() const override { return clock_.steadyNow(); }
  void wait(std::unique_lock<std::mutex>& lock, Condition& condition, SteadyPoint deadline,
            const std::stop_token& stop) override {
    clock_.wait(lock, condition, deadline, stop);
  }
  void wakeAll(Condition& condition) override { clock_.wakeAll(condition); }
  void wakeOne(Condition& condition) override {
    ++woken;
    clock_.wakeOne(condition);
  }

  int woken = 0;

 private:
  test::FakeClock clock_;
};

TEST(WorkQueueDelays, WakeSomebodyWhenTheyEndBeforeAllThatWereKnown) {
  CountingClock clock;
  WorkQueue queue(clock);
  queue.addAfter("a", 1h, Lane::kSweep);
  EXPECT_EQ(clock.woken, 1);
  queue.addAfter("b", 2h, Lane::kSweep);
  EXPECT_EQ(clock.woken, 1);
  queue.addAfter("c", 3s, Lane::kSweep);
  EXPECT_EQ(clock.woken, 2);
  queue.addAfter("b", 2s, Lane::kSweep);
  EXPECT_EQ(clock.woken, 3);
}

TEST_F(WorkQueueTest, ReturnsNothingAfterAStop) {
  std::stop_source stop;
  stop.request_stop();
  queue_.add("a", Lane::kFresh);
  EXPECT_EQ(queue_.take(stop.get_token()), std::nullopt);
}

}  // namespace
}  // namespace bco
