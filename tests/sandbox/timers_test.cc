#include "sandbox/timers.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <vector>

namespace bco::sandbox {
namespace {

using namespace std::chrono_literals;

constexpr TimePoint kStart{Duration{1'700'000'000'000}};

TEST(Timers, RunInTheOrderOfTheirTimesAndThenOfTheirAdding) {
  World world(ClockMode::kManual, kStart);
  std::vector<int> order;
  world.clock.after(20ms, [&] { order.push_back(3); });
  world.clock.after(10ms, [&] { order.push_back(1); });
  world.clock.after(10ms, [&] { order.push_back(2); });
  world.clock.advance(20ms);
  EXPECT_EQ(order, (std::vector<int>{1, 2, 3}));
}

TEST(Timers, SeeTheTimeTheyWereDueAndMayAddMore) {
  World world(ClockMode::kManual, kStart);
  std::vector<Duration> seen;
  std::function<void()> tick = [&] {
    seen.push_back(world.clock.now() - kStart);
    world.clock.after(10ms, tick);
  };
  world.clock.after(10ms, tick);
  world.clock.advance(35ms);
  EXPECT_EQ(seen, (std::vector<Duration>{10ms, 20ms, 30ms}));
  EXPECT_EQ(world.clock.now(), kStart + 35ms);
  EXPECT_EQ(world.clock.pending(), 1U);
}

TEST(Timers, DoNotRunOnceCancelled) {
  World world(ClockMode::kManual, kStart);
  bool ran = false;
  const TimerId timer = world.clock.after(10ms, [&] { ran = true; });
  EXPECT_TRUE(world.clock.cancel(timer));
  EXPECT_FALSE(world.clock.cancel(timer));
  world.clock.advance(20ms);
  EXPECT_FALSE(ran);
}

TEST(Timers, OfARealClockRunByThemselvesWithTheMutexHeld) {
  World world(ClockMode::kReal);
  std::promise<bool> held;
  {
    const std::lock_guard lock(world.mutex);
    world.clock.after(1ms, [&] {
      held.set_value(!std::async(std::launch::async, [&] {
                        const std::unique_lock attempt(world.mutex, std::try_to_lock);
                        return attempt.owns_lock();
                      }).get());
    });
  }
  EXPECT_TRUE(held.get_future().get());
}

TEST(Timers, OfARealClockFallDueWhenItIsPutAhead) {
  World world(ClockMode::kReal);
  std::promise<void> ran;
  {
    const std::lock_guard lock(world.mutex);
    world.clock.after(24h, [&] { ran.set_value(); });
  }
  world.clock.advance(25h);
  ran.get_future().wait();
  const std::lock_guard lock(world.mutex);
  EXPECT_GT(world.clock.now(), systemNow() + 24h);
}

}  // namespace
}  // namespace bco::sandbox
