// A count to wait for.
#pragma once

#include <cstddef>
#include <mutex>

#include "core/clock.h"

namespace bco::http {

// Counts down to zero, once, and one thread waits for it. Thread-safe.
class Latch {
 public:
  explicit Latch(std::size_t count) : count_(count) {}

  void countDown(Clock& clock) {
    {
      std::lock_guard lock(mutex_);
      if (count_ == 0 || --count_ != 0) return;
    }
    clock.wakeOne(zero_);
  }

  // Until zero (true) or `deadline` (false).
  bool wait(Clock& clock, SteadyPoint deadline) {
    std::unique_lock lock(mutex_);
    return waitUntil(clock, lock, zero_, deadline, {}, [this] { return count_ == 0; });
  }

 private:
  std::mutex mutex_;  // guards count_
  std::size_t count_;
  Condition zero_;
};

}  // namespace bco::http
