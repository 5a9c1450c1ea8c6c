// A clock that goes on while the machine sleeps.
#pragma once

#include "core/clock.h"

namespace bco {

// SystemClock, but its monotonic time is CLOCK_BOOTTIME. For promises to others that end by
// themselves, such as a lease: on Linux the usual CLOCK_MONOTONIC stands still while the machine is
// suspended, and a process that wakes would think it had time left that has passed for everybody
// else. (A process that is merely stopped or not scheduled is no problem for either; a virtual
// machine that is paused from outside is one for both.) Waits may last longer by the time slept.
// Its points in time must not be compared with those of another clock.
class BoottimeClock final : public Clock {
 public:
  [[nodiscard]] TimePoint now() const override { return system_.now(); }
  [[nodiscard]] SteadyPoint steadyNow() const override;
  void wait(std::unique_lock<std::mutex>& lock, Condition& condition, SteadyPoint deadline,
            const std::stop_token& stop) override;
  void wakeAll(Condition& condition) override { system_.wakeAll(condition); }
  void wakeOne(Condition& condition) override { system_.wakeOne(condition); }

 private:
  SystemClock system_;
};

}  // namespace bco
