#include "core/clock.h"

#include <algorithm>

namespace bco {

namespace {
// Far-away deadlines are waited for in pieces: their nanoseconds would overflow the system's type.
constexpr Duration kLongestWait = std::chrono::hours(1);
}  // namespace

TimePoint SystemClock::now() const {
  return std::chrono::floor<Duration>(std::chrono::system_clock::now());
}

SteadyPoint SystemClock::steadyNow() const {
  return std::chrono::floor<Duration>(std::chrono::steady_clock::now());
}

void SystemClock::wait(std::unique_lock<std::mutex>& lock, Condition& condition,
                       SteadyPoint deadline, const std::stop_token& stop) {
  const SteadyPoint until = std::min(deadline, steadyNow() + kLongestWait);
  condition.wait_until(lock, stop, until);
}

void SystemClock::wakeAll(Condition& condition) { condition.notify_all(); }

void SystemClock::wakeOne(Condition& condition) { condition.notify_one(); }

bool sleepFor(Clock& clock, Duration duration, const std::stop_token& stop) {
  std::mutex mutex;
  Condition never;
  std::unique_lock lock(mutex);
  waitUntil(clock, lock, never, clock.steadyNow() + duration, stop, [] { return false; });
  return !stop.stop_requested();
}

}  // namespace bco
