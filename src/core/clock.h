// The clock, with every wait of the program behind it: a test or a simulation that replaces it
// decides when time passes and who wakes.
#pragma once

#include <mutex>
#include <stop_token>

#include "core/condition.h"
#include "core/time.h"

namespace bco {

// Thread-safe. Nothing else in src/core or controller/ may block.
class Clock {
 public:
  virtual ~Clock() = default;

  [[nodiscard]] virtual TimePoint now() const = 0;
  [[nodiscard]] virtual SteadyPoint steadyNow() const = 0;

  // Releases `lock` and waits until woken through `condition`, `deadline`, a stop, or for no reason
  // at all; `lock` is held again on return. Use waitUntil() below.
  virtual void wait(std::unique_lock<std::mutex>& lock, Condition& condition, SteadyPoint deadline,
                    const std::stop_token& stop) = 0;
  virtual void wakeAll(Condition& condition) = 0;
  // For waiters of which any one will do.
  virtual void wakeOne(Condition& condition) = 0;
};

// No deadline.
inline constexpr SteadyPoint kForever = SteadyPoint::max();

// The real one.
class SystemClock final : public Clock {
 public:
  [[nodiscard]] TimePoint now() const override;
  [[nodiscard]] SteadyPoint steadyNow() const override;
  void wait(std::unique_lock<std::mutex>& lock, Condition& condition, SteadyPoint deadline,
            const std::stop_token& stop) override;
  void wakeAll(Condition& condition) override;
  void wakeOne(Condition& condition) override;
};

// Waits until `ready()` (called under `lock`), `deadline` or a stop. Returns ready().
template <class Ready>
bool waitUntil(Clock& clock, std::unique_lock<std::mutex>& lock, Condition& condition,
               SteadyPoint deadline, const std::stop_token& stop, Ready ready) {
  while (!ready()) {
    if (stop.stop_requested() || clock.steadyNow() >= deadline) return false;
    clock.wait(lock, condition, deadline, stop);
  }
  return true;
}

// Sleeps for `duration` or until a stop; false when stopped.
bool sleepFor(Clock& clock, Duration duration, const std::stop_token& stop);

}  // namespace bco
