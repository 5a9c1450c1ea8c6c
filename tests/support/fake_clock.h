// A clock that stands still until a test moves it.
#pragma once

#include <atomic>

#include "core/clock.h"

namespace bco::test {

class FakeClock final : public Clock {
 public:
  explicit FakeClock(TimePoint start = TimePoint{std::chrono::hours(24 * 365 * 56)})
      : start_(start) {}

  [[nodiscard]] TimePoint now() const override { return start_ + Duration(elapsed_.load()); }
  [[nodiscard]] SteadyPoint steadyNow() const override {
    return SteadyPoint{std::chrono::hours(1) + Duration(elapsed_.load())};
  }
  void advance(Duration by) { elapsed_ += by.count(); }
  // How often anybody has waited, each for a millisecond at most.
  [[nodiscard]] int waits() const { return waits_.load(); }

  // Looks again every millisecond of real time: advance() then needs to know of no waiter.
  void wait(std::unique_lock<std::mutex>& lock, Condition& condition, SteadyPoint,
            const std::stop_token&) override {
    ++waits_;
    condition.wait_for(lock, std::chrono::milliseconds(1));
  }
  void wakeAll(Condition& condition) override { condition.notify_all(); }
  void wakeOne(Condition& condition) override { condition.notify_one(); }

 private:
  const TimePoint start_;
  std::atomic<Duration::rep> elapsed_{0};
  std::atomic<int> waits_{0};
};

}  // namespace bco::test
