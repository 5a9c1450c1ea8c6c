#include "core/boottime_clock.h"

#include <gtest/gtest.h>

#include <ctime>
#include <thread>

namespace bco {
namespace {

using namespace std::chrono_literals;

TEST(BoottimeClock, CountsTheTimeSinceTheMachineStartedWithWhatItSlept) {
  const BoottimeClock clock;
  const auto boottime = [] {
    timespec time{};
    clock_gettime(CLOCK_BOOTTIME, &time);
    return SteadyPoint(std::chrono::seconds(time.tv_sec));
  };
  const SteadyPoint before = boottime();
  const SteadyPoint now = clock.steadyNow();
  EXPECT_LE(before, now);
  EXPECT_LT(now, boottime() + 1s);
  EXPECT_LE(now, clock.steadyNow());
}

TEST(BoottimeClock, WakesAtTheDeadline) {
  BoottimeClock clock;
  const SteadyPoint start = clock.steadyNow();
  EXPECT_TRUE(sleepFor(clock, 2ms, {}));
  EXPECT_GE(clock.steadyNow(), start + 2ms);
}

TEST(BoottimeClock, WakesWhoWaitsWithoutADeadline) {
  BoottimeClock clock;
  std::mutex mutex;
  Condition condition;
  bool ready = false;
  std::jthread other([&] {
    std::lock_guard lock(mutex);
    ready = true;
    clock.wakeAll(condition);
  });
  std::unique_lock lock(mutex);
  EXPECT_TRUE(waitUntil(clock, lock, condition, kForever, {}, [&] { return ready; }));
}

TEST(BoottimeClock, EndsAWaitWhenStopped) {
  BoottimeClock clock;
  std::stop_source stop;
  stop.request_stop();
  EXPECT_FALSE(sleepFor(clock, 24h, stop.get_token()));
}

}  // namespace
}  // namespace bco
