#include "core/boottime_clock.h"

#include <algorithm>
#include <ctime>

namespace bco {

SteadyPoint BoottimeClock::steadyNow() const {
  timespec time{};
  clock_gettime(CLOCK_BOOTTIME, &time);
  return SteadyPoint(std::chrono::floor<Duration>(std::chrono::seconds(time.tv_sec) +
                                                  std::chrono::nanoseconds(time.tv_nsec)));
}

void BoottimeClock::wait(std::unique_lock<std::mutex>& lock, Condition& condition,
                         SteadyPoint deadline, const std::stop_token& stop) {
  // In pieces: kForever less a point in time must not overflow.
  const SteadyPoint until = std::min(deadline, steadyNow() + std::chrono::hours(1));
  system_.wait(lock, condition, system_.steadyNow() + (until - steadyNow()), stop);
}

}  // namespace bco
