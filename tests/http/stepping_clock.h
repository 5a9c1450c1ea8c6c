// A clock on which every wait takes exactly as long as asked, at once.
#pragma once

#include <algorithm>

#include "tests/support/fake_clock.h"

namespace bco::test {

// For one thread.
class SteppingClock final : public Clock {
 public:
  [[nodiscard]] TimePoint now() const override { return inner_.now(); }
  [[nodiscard]] SteadyPoint steadyNow() const override { return inner_.steadyNow(); }
  void wait(std::unique_lock<std::mutex>& /*lock*/, Condition& /*condition*/, SteadyPoint deadline,
            const std::stop_token& /*stop*/) override {
    advance(std::max(Duration(0), deadline - steadyNow()));
  }
  void wakeAll(Condition& /*condition*/) override {}
  void wakeOne(Condition& /*condition*/) override {}

  void advance(Duration by) { inner_.advance(by); }
  // Since the clock was made.
  [[nodiscard]] Duration elapsed() const { return steadyNow() - start_; }

 private:
  FakeClock inner_;
  SteadyPoint start_ = inner_.steadyNow();
};

}  // namespace bco::test
