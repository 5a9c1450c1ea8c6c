#include "core/clock.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "tests/support/fake_clock.h"

namespace bco {
namespace {

using namespace std::chrono_literals;

TEST(SystemClock, IsTheSystemsTime) {
  const SystemClock clock;
  const auto before = std::chrono::floor<Duration>(std::chrono::system_clock::now());
  const TimePoint now = clock.now();
  EXPECT_LE(before, now);
  EXPECT_LE(now, std::chrono::system_clock::now());
  const SteadyPoint steady = clock.steadyNow();
  EXPECT_LE(steady, clock.steadyNow());
}

TEST(SystemClock, DoesNotWaitForADeadlineThatHasPassed) {
  SystemClock clock;
  std::mutex mutex;
  Condition condition;
  std::unique_lock lock(mutex);
  EXPECT_FALSE(waitUntil(clock, lock, condition, clock.steadyNow(), {}, [] { return false; }));
  EXPECT_TRUE(waitUntil(clock, lock, condition, clock.steadyNow(), {}, [] { return true; }))
      << "what is ready is ready, even too late";
  EXPECT_TRUE(lock.owns_lock());
}

TEST(SystemClock, WakesWhoWaitsWithoutADeadline) {
  SystemClock clock;
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

TEST(SystemClock, LosesNoWakeUp) {
  SystemClock clock;
  std::mutex mutex;
  Condition condition;
  std::stop_source stop;
  int turn = 0;  // even: ours
  constexpr int kTurns = 20000;
  const auto takeTurns = [&](int remainder) {
    std::unique_lock lock(mutex);
    while (turn < kTurns) {
      const auto isMine = [&] { return turn % 2 == remainder || turn >= kTurns; };
      if (!waitUntil(clock, lock, condition, kForever, stop.get_token(), isMine)) return;
      ++turn;
      lock.unlock();
      clock.wakeOne(condition);
      lock.lock();
    }
  };
  std::jthread other([&] { takeTurns(1); });
  takeTurns(0);
  other.join();
  EXPECT_GE(turn, kTurns);
}

TEST(SystemClock, EndsAWaitWhenStopped) {
  SystemClock clock;
  std::stop_source stop;
  bool slept = true;
  std::jthread sleeper([&] { slept = sleepFor(clock, 24h, stop.get_token()); });
  stop.request_stop();
  sleeper.join();
  EXPECT_FALSE(slept);
}

TEST(SystemClock, WakesAtTheDeadline) {
  SystemClock clock;
  const SteadyPoint start = clock.steadyNow();
  EXPECT_TRUE(sleepFor(clock, 2ms, {}));
  EXPECT_GE(clock.steadyNow(), start + 2ms);
}

TEST(SleepFor, ReturnsAtOnceForNothingAndWhenAlreadyStopped) {
  test::FakeClock clock;
  EXPECT_TRUE(sleepFor(clock, 0ms, {}));
  EXPECT_TRUE(sleepFor(clock, -1h, {}));
  std::stop_source stop;
  stop.request_stop();
  EXPECT_FALSE(sleepFor(clock, 1h, stop.get_token()));
}

TEST(SleepFor, WakesWhenTheClockSaysSo) {
  test::FakeClock clock;
  std::atomic<bool> slept = false;
  std::jthread sleeper([&] { slept = sleepFor(clock, 1h, {}); });
  // More than once: the sleeper may read the clock only after it was moved.
  while (!slept) clock.advance(1h);
}

}  // namespace
}  // namespace bco
